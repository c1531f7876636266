package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
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

// Attempts returns the log of a webhook, oldest first: all that is kept, a few hundred at the most.
func (b *Broker) Attempts(ctx context.Context, key string) ([]LoggedAttempt, error) {
	var records []LoggedAttempt
	for from := uint64(1); ; {
		m, err := b.attempts.GetMsg(ctx, from, jetstream.WithGetMsgSubject(attemptsPrefix+key))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return records, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the attempt log of %s: %w", key, err)
		}
		records = append(records, LoggedAttempt{Seq: m.Sequence, Record: m.Data})
		from = m.Sequence + 1
	}
}
