package broker

import (
	"context"
	"fmt"
	"strconv"
)

const attemptsPrefix = "attempts."

// LogAttempt appends to the attempt log of a webhook. It does not wait for the stream: the log costs the live path
// no round trip, and a crash may lose its last lines.
func (b *Broker) LogAttempt(key string, record []byte) error {
	if err := b.nc.Publish(attemptsPrefix+key, record); err != nil {
		return fmt.Errorf("log an attempt of %s: %w", key, err)
	}
	return nil
}

// LoggedAttempt is one record of the attempt log, with its sequence in the log.
type LoggedAttempt struct {
	Seq    uint64
	Record []byte
}

// attemptsAtOnce is how many records of the log are read with one request: more than are kept of a webhook.
const attemptsAtOnce = 256

// Attempts returns the log of a webhook, oldest first: all that is kept, a few hundred at the most.
func (b *Broker) Attempts(ctx context.Context, key string) ([]LoggedAttempt, error) {
	var records []LoggedAttempt
	for from := uint64(1); ; {
		messages, err := b.direct(ctx, streamAttempts, get{Seq: from, Next: attemptsPrefix + key, Batch: attemptsAtOnce, Bytes: 4 << 20})
		if err != nil {
			return nil, fmt.Errorf("read the attempt log of %s: %w", key, err)
		}
		for _, m := range messages {
			seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read the attempt log of %s: a record's sequence: %w", key, err)
			}
			records = append(records, LoggedAttempt{Seq: seq, Record: m.Data})
			from = seq + 1
		}
		if len(messages) == 0 || len(records) >= attemptsKept {
			return records, nil
		}
	}
}
