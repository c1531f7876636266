package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// starving tells consumers that hand out nothing though their stream has more, as by a number of pending messages that NATS has
// lost count of. Each is looked at now and then: one that did not move from one look to the next, while a message waited that was
// stored before the first, starves. It is safe for concurrent use.
type starving struct {
	mu sync.Mutex
	// stood is what the last look at each consumer found to stand still, and starved what the one before found too.
	stood, starved map[string]standstill
}

// standstill is where a consumer stands, and the next message that it could hand out.
type standstill struct {
	delivered, consumer, next uint64
}

// looked takes in a look: the first message beyond what the consumer has handed out, asked for before the consumer was, 0 if
// there is none.
func (s *starving) looked(name string, info *jetstream.ConsumerInfo, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stood == nil {
		s.stood, s.starved = map[string]standstill{}, map[string]standstill{}
	}
	before, again := s.stood[name]
	delete(s.stood, name)
	delete(s.starved, name)
	if next == 0 || next <= info.Delivered.Stream || info.Paused || !asked(info) {
		return
	}
	at := standstill{info.Delivered.Stream, info.Delivered.Consumer, next}
	s.stood[name] = at
	if again && before == at {
		s.starved[name] = at
	}
}

// asked says whether the consumer should hand out what its stream has: it believes that there is nothing, or somebody asks.
func asked(info *jetstream.ConsumerInfo) bool {
	full := info.Config.MaxAckPending > 0 && info.NumAckPending >= info.Config.MaxAckPending
	return info.NumPending == 0 || info.NumWaiting > 0 && !full
}

// at says whether the consumer starves where it stands.
func (s *starving) at(name string, info *jetstream.ConsumerInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, starves := s.starved[name]
	return starves && found.delivered == info.Delivered.Stream && found.consumer == info.Delivered.Consumer
}

// watchConsumer looks at a consumer: nil if it is gone. It takes in whether it starves, and says whether it is ahead of its
// stream.
func (b *Broker) watchConsumer(ctx context.Context, stream, name, filter string) (info *jetstream.ConsumerInfo, ahead bool, err error) {
	// What is asked first is older: a message that comes meanwhile is nobody's fault.
	before, err := b.consumerInfo(ctx, stream, name)
	if err != nil || before == nil {
		return nil, false, err
	}
	m, err := b.ask(ctx, stream, get{Seq: before.Delivered.Stream + 1, Next: filter})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, false, err
	}
	if info, err = b.consumerInfo(ctx, stream, name); err != nil || info == nil {
		return nil, false, err
	}
	b.starving.looked(name, info, m.seq)
	at, err := b.JetStream.Stream(ctx, stream)
	if err != nil {
		return nil, false, fmt.Errorf("ask the stream %s for its bounds: %w", stream, err)
	}
	return info, before.Delivered.Stream > at.CachedInfo().State.LastSeq, nil
}

// consumerInfo is what NATS says of a consumer, nil if there is none.
func (b *Broker) consumerInfo(ctx context.Context, stream, name string) (*jetstream.ConsumerInfo, error) {
	consumer, err := b.JetStream.Consumer(ctx, stream, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look after the consumer %s: %w", name, err)
	}
	return consumer.CachedInfo(), nil
}

// watchDispatch looks at the consumer dispatch while all seems well, and has the next pull make it again where it is gone, ahead
// of the stream, reset, or starving.
func (b *Broker) watchDispatch(ctx context.Context) error {
	info, ahead, err := b.watchConsumer(ctx, streamEvents, dispatchName, "events.>")
	if err != nil {
		return err
	}
	switch {
	case info == nil, ahead, b.starving.at(dispatchName, info):
		b.doubt()
		return nil
	case info.Paused:
		b.sayPaused(streamEvents, dispatchName)
	}
	s, err := b.look(ctx)
	if err != nil {
		return err
	}
	if decide(s).make {
		b.doubt()
	}
	return nil
}

func (b *Broker) sayPaused(stream, name string) {
	b.options.Log.Warn("the consumer "+name+" is paused, and hands out nothing: resume it with `nats consumer resume`", zap.String("stream", stream))
}

// tended are the consumers besides dispatch, which are made again where they are gone. They are safe for concurrent use.
type tended struct {
	mu        sync.Mutex
	consumers []*keptConsumer
}

// keptConsumer is a consumer that is looked after. It belongs to Broker.Run, but for what never changes: all but floor.
type keptConsumer struct {
	stream, filter string
	config         jetstream.ConsumerConfig
	// floor is up to where all was acknowledged at the last look; 0 before the first.
	floor uint64
}

// keep has a consumer looked after from now on. It is idempotent.
func (b *Broker) keep(stream, filter string, config jetstream.ConsumerConfig) {
	b.tended.mu.Lock()
	defer b.tended.mu.Unlock()
	for _, k := range b.tended.consumers {
		if k.config.Durable == config.Durable {
			return
		}
	}
	b.tended.consumers = append(b.tended.consumers, &keptConsumer{stream: stream, filter: filter, config: config})
}

// keptConsumers are those that are looked after.
func (b *Broker) keptConsumers() []*keptConsumer {
	b.tended.mu.Lock()
	defer b.tended.mu.Unlock()
	return append([]*keptConsumer(nil), b.tended.consumers...)
}

// watchKept looks at a consumer, and makes it again if it is gone, ahead of its stream, or starving.
func (b *Broker) watchKept(ctx context.Context, k *keptConsumer) error {
	name := k.config.Durable
	info, ahead, err := b.watchConsumer(ctx, k.stream, name, k.filter)
	if err != nil {
		return err
	}
	why := ""
	switch {
	case info == nil:
		why = "it was gone"
	case ahead:
		why = "it was ahead of its stream"
	case b.starving.at(name, info):
		why = "it handed out nothing though its stream has more"
	case info.Paused:
		b.sayPaused(k.stream, name)
	}
	if why == "" {
		k.floor = max(info.AckFloor.Stream, 1)
		return nil
	}
	if info != nil {
		if err := b.JetStream.DeleteConsumer(ctx, k.stream, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove the consumer %s to make it again: %w", name, err)
		}
	}
	if _, err := b.makeConsumer(ctx, b.JetStream.CreateOrUpdateConsumer, k.stream, k.again(ahead)); err != nil {
		return fmt.Errorf("make the consumer %s again: %w", name, err)
	}
	b.options.Log.Error("the consumer "+name+" was made again: "+why, zap.String("stream", k.stream))
	return nil
}

// again is the definition of a consumer that is made again. One that began with what was new goes on after what was
// acknowledged at the last look, or with all that the stream has if the stream went back.
func (k *keptConsumer) again(ahead bool) jetstream.ConsumerConfig {
	config := k.config
	if config.DeliverPolicy != jetstream.DeliverNewPolicy || k.floor == 0 {
		return config
	}
	config.DeliverPolicy = jetstream.DeliverAllPolicy
	if !ahead {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, k.floor+1
	}
	return config
}
