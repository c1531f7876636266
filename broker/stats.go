package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const statsPrefix = "stats."

// StoreStats appends a record to the statistics of an account and returns once it is stored. The same id again within an
// hour changes nothing.
func (b *Broker) StoreStats(ctx context.Context, account, id string, record []byte) error {
	if err := b.reachable(); err != nil {
		return fmt.Errorf("store the statistics of %s: %w", account, err)
	}
	if _, err := b.JetStream.Publish(ctx, statsPrefix+account, record, jetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("store the statistics of %s: %w", account, err)
	}
	return nil
}

// statsAtOnce is how many records of the statistics are read with one request: a day of one process, mostly.
const statsAtOnce = 1500

// Stats calls each with the records of an account that were stored since a time, oldest first. They may come from a
// replica that is behind, and so lack the newest.
func (b *Broker) Stats(ctx context.Context, account string, since time.Time, each func(record []byte)) error {
	request := get{Start: &since, Next: statsPrefix + account, Batch: statsAtOnce, Bytes: 4 << 20}
	for {
		messages, err := b.direct(ctx, streamStats, request)
		if err != nil {
			return fmt.Errorf("read the statistics of %s: %w", account, err)
		}
		for _, m := range messages {
			each(m.Data)
		}
		if len(messages) == 0 || added(messages[len(messages)-1], "Nats-Num-Pending") == "0" {
			return nil
		}
		last, err := sequence(messages[len(messages)-1])
		if err != nil {
			return fmt.Errorf("read the statistics of %s: a record's sequence: %w", account, err)
		}
		request.Start, request.Seq = nil, last+1
	}
}
