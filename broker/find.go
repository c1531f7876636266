package broker

import (
	"cmp"
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
		found, err := b.find(ctx, account, name, since, id)
		if err != nil {
			return 0, err
		}
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return 0, ErrNotFound
}

// foundAtMost is how many events with one id are told of.
const foundAtMost = 100

// FindAll returns the sequences of the events of an account with an id, oldest first: those of a name, or all if it is empty, and
// no more than the newest 100. A key is an id once for each name and window of duplicates, so that the headers of all events are
// read; an id that no publisher gave is that of one event.
func (b *Broker) FindAll(ctx context.Context, account, name, id string) ([]uint64, error) {
	if _, given := event.KeyOf(id); given {
		return b.find(ctx, account, cmp.Or(name, everyName), nil, id)
	}
	if p, ok := event.PositionOf(id); ok {
		e, err := b.Event(ctx, p.Seq)
		if errors.Is(err, ErrNotFound) || err == nil && (!e.Position().Is(p) || e.Account != account || name != "" && e.Name != name) {
			return nil, nil
		}
		return []uint64{p.Seq}, err
	}
	seq, err := b.Find(ctx, account, cmp.Or(name, everyName), id)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return []uint64{seq}, err
}

// find returns the sequences of the newest events of a subject with an id, oldest first; since bounds where it looks.
func (b *Broker) find(ctx context.Context, account, name string, since *time.Time, id string) (found []uint64, err error) {
	config := jetstream.ConsumerConfig{
		FilterSubject: event.Subject(account, name), HeadersOnly: true, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: 10 * time.Second, DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if since != nil {
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, since
	}
	consumer, err := b.JetStream.CreateConsumer(ctx, streamEvents, config)
	if err != nil {
		return nil, fmt.Errorf("look for an event by its id: %w", err)
	}
	defer func() {
		// It ends by itself.
		_ = b.JetStream.DeleteConsumer(context.WithoutCancel(ctx), streamEvents, consumer.CachedInfo().Name)
	}()
	for left := consumer.CachedInfo().NumPending; left > 0; {
		batch, err := consumer.Fetch(int(min(left, 1000)), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			return nil, fmt.Errorf("look for an event by its id: %w", err)
		}
		came := uint64(0)
		for m := range batch.Messages() {
			came++
			if meta, err := m.Metadata(); err == nil && event.HasID(m.Headers(), account, id) {
				found = append(found, meta.Sequence.Stream)
				found = found[max(0, len(found)-foundAtMost):]
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case batch.Error() != nil && !errors.Is(batch.Error(), nats.ErrTimeout):
			return nil, fmt.Errorf("look for an event by its id: %w", batch.Error())
		case came == 0:
			return found, nil
		}
		left -= min(left, came)
	}
	return found, nil
}
