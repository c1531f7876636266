package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

// Find returns the sequence of the newest event of a subject of an account whose headers say its id: ErrNotFound if the
// stream has none. It reads the headers of all events of the subject, newer ones first by the day: for people's questions, not for more.
func (b *Broker) Find(ctx context.Context, account, name, id string) (uint64, error) {
	day := b.Now().Add(-24 * time.Hour)
	for _, since := range []*time.Time{&day, nil} {
		seq, err := b.find(ctx, account, name, since, id)
		if err != nil || seq != 0 {
			return seq, err
		}
	}
	return 0, ErrNotFound
}

func (b *Broker) find(ctx context.Context, account, name string, since *time.Time, id string) (found uint64, err error) {
	config := jetstream.ConsumerConfig{
		FilterSubject: event.Subject(account, name), HeadersOnly: true, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: 10 * time.Second, DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if since != nil {
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, since
	}
	consumer, err := b.JetStream.CreateConsumer(ctx, streamEvents, config)
	if err != nil {
		return 0, fmt.Errorf("look for an event by its id: %w", err)
	}
	defer func() {
		// It ends by itself.
		_ = b.JetStream.DeleteConsumer(context.WithoutCancel(ctx), streamEvents, consumer.CachedInfo().Name)
	}()
	for left := consumer.CachedInfo().NumPending; left > 0; {
		batch, err := consumer.Fetch(int(min(left, 1000)), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			return 0, fmt.Errorf("look for an event by its id: %w", err)
		}
		came := uint64(0)
		for m := range batch.Messages() {
			came++
			if meta, err := m.Metadata(); err == nil && event.HasID(m.Headers(), account, id) {
				found = meta.Sequence.Stream
			}
		}
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case batch.Error() != nil && !errors.Is(batch.Error(), nats.ErrTimeout):
			return 0, fmt.Errorf("look for an event by its id: %w", batch.Error())
		case came == 0:
			return found, nil
		}
		left -= min(left, came)
	}
	return found, nil
}
