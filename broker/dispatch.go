package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/lifetime"
)

const (
	// markKey is where the mark of dispatch is kept, in the bucket of positions.
	markKey = dispatchName
	// saveEvery is how often the mark is written down while events come.
	saveEvery = time.Second
	// checkTime bounds a check.
	checkTime = 10 * time.Second
	// lookAgain is how long after its first look a check looks again, before it makes a consumer again that is there: the
	// leaders of stream and consumer may be apart for a moment.
	lookAgain = time.Second
	// relapse is by how much a consumer may go back by itself: more than NATS leaves to the disk, of which the default is two
	// minutes. What BACKLOGS then forgot comes again this way.
	relapse = 10 * time.Minute
)

// watch is what tells whether the consumer dispatch is where it should be.
type watch struct {
	// reasons counts what may have moved the stream or the consumer, such as a start or a pull that ended badly. Sure is the
	// count of doubts at the last check.
	reasons, sure atomic.Uint64
	// noted has a word when the mark is to be written down.
	noted chan struct{}

	// unsure is true from when NATS was found to have lost something until it is clear what follows.
	unsure atomic.Bool
	// setBack has a word after each loss of what NATS had stored.
	setBack chan struct{}
	// started is true after the first check.
	started atomic.Bool

	// mu guards what follows. It is not held while NATS is asked.
	mu sync.Mutex
	// mark is of the newest event that this process was handed out, and made when the consumer was made, at the last check.
	mark mark
	made time.Time
	// written are the highest sequences that writes of this process were answered with, by stream, and fell those whose answer
	// was lower than one before: the stream went back.
	written map[string]uint64
	fell    map[string]bool
}

// doubt has the consumer checked before the next event is handed out.
func (b *Broker) doubt() { b.watch.reasons.Add(1) }

// lost has it found out, before the next event is handed out, what follows from a loss of what NATS had stored.
func (b *Broker) lost() {
	b.watch.unsure.Store(true)
	b.doubt()
}

// doubts counts the reasons to check the consumer. Each connection that was made again is one.
func (b *Broker) doubts() uint64 {
	return b.watch.reasons.Load() + b.nc.Stats().Reconnects + b.pull.Stats().Reconnects
}

// check makes sure, after a doubt, that the consumer dispatch hands out every event that was not handed out before. It
// returns the count of doubts that it was made for.
func (b *Broker) check() (doubts uint64, err error) {
	w := &b.watch
	doubts = b.doubts()
	if doubts == w.sure.Load() {
		return doubts, nil
	}
	if !b.connected() {
		return 0, errAway
	}
	ctx, cancel := context.WithTimeout(b.life, checkTime)
	defer cancel()
	if err := b.settle(ctx); err != nil {
		return 0, fmt.Errorf("see where the consumer %s is: %w", dispatchName, err)
	}
	if err := b.embedded.machineOf().settled(); err != nil {
		return 0, err
	}
	w.unsure.Store(false)
	w.started.Store(true)
	w.sure.Store(doubts)
	return doubts, nil
}

// connected says whether both connections are there.
func (b *Broker) connected() bool { return b.nc.IsConnected() && b.pull.IsConnected() }

// settle looks where the consumer is, and makes it (again) where it has to be.
func (b *Broker) settle(ctx context.Context) error {
	s, err := b.look(ctx)
	if err != nil {
		return err
	}
	v := decide(s)
	if v.make && s.exists {
		if !lifetime.Sleep(ctx, lookAgain) {
			return context.Cause(ctx)
		}
		if s, err = b.look(ctx); err != nil {
			return err
		}
		v = decide(s)
	}
	if err = b.tellLoss(ctx, s); err != nil {
		return err
	}
	made := s.made
	if v.make {
		if made, err = b.makeDispatch(ctx, s, v); err != nil {
			return err
		}
	}
	m := s.mark
	m.Streams, m.Noted = s.streams, b.Now()
	if v.make || s.mark.IsZero() || s.back != 0 {
		// What is before the next event was handed out.
		at := s.delivered
		m.Floor, m.Made = s.floor, made
		if v.make {
			at = v.from - 1
			m.Floor = at
		}
		if m.Position, err = b.positionOf(ctx, at); errors.Is(err, ErrNotFound) {
			m.Position = event.Position{}
		} else if err != nil {
			return err
		}
		if len(m.Trail) == 0 && v.make {
			m.Trail = trail{{At: m.Noted, Floor: m.Position}}
		}
		defer b.note()
	}
	if s.back != 0 {
		return b.setback(ctx, s, made, m)
	}
	b.watch.set(made, m)
	return nil
}

// set takes in when the consumer was made, and its mark.
func (w *watch) set(made time.Time, m mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Setback.Number > w.mark.Setback.Number {
		w.heard()
	}
	m.Setback = m.Setback.later(w.mark.Setback)
	w.renewed(w.mark.Streams, m.Streams)
	w.made, w.mark = made, m
}

// change changes the mark.
func (w *watch) change(change func(*mark)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.mark)
}

// own is the mark of what this process was handed out.
func (w *watch) own() mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mark
}

// positionOf is the position of the event under a sequence, by the word of the stream's leader: ErrNotFound.
func (b *Broker) positionOf(ctx context.Context, seq uint64) (event.Position, error) {
	if seq == 0 {
		return event.Position{}, ErrNotFound
	}
	m, err := b.ask(ctx, streamEvents, get{Seq: seq})
	return event.Position{Seq: m.seq, Time: m.at}, err
}

// firstFrom is the position of the first event that is not before a time: one past the last if there is none.
func (b *Broker) firstFrom(ctx context.Context, at time.Time, last uint64) (uint64, error) {
	m, err := b.ask(ctx, streamEvents, get{Start: &at, Next: "events.>"})
	if errors.Is(err, ErrNotFound) {
		return last + 1, nil
	}
	return m.seq, err
}

// look asks NATS for all that decide wants to know.
func (b *Broker) look(ctx context.Context) (s stand, err error) {
	info, err := b.dispatchInfo(ctx)
	if err != nil {
		return s, err
	}
	if info != nil {
		s.exists, s.made, s.delivered, s.floor = true, info.Created, info.Delivered.Stream, info.AckFloor.Stream
		s.starved = b.starving.at(dispatchName, info)
	}
	// After the consumer, so that the consumer is not ahead of the answer.
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return s, err
	}
	s.last = bounds.Last.Seq
	if s.streams, err = b.extents(ctx); err == nil && len(s.streams) < len(witnesses) {
		if err = b.makeMissing(ctx); err == nil {
			s.streams, err = b.extents(ctx)
		}
	}
	if err != nil {
		return s, err
	}
	kept, _, err := b.loadMark(ctx)
	if err != nil {
		return s, err
	}
	s.mark = b.watch.own().merged(kept)
	if err := b.regress(ctx, &s, bounds); err != nil {
		return s, err
	}
	if s.mark.IsZero() {
		s.after = 1
		return s, nil
	}
	there, err := b.positionOf(ctx, s.mark.Seq)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return s, err
	}
	s.held = err == nil && there.Is(s.mark.Position)
	if s.after, err = b.firstFrom(ctx, s.mark.Time.Add(1), s.last); err != nil {
		return s, err
	}
	if s.held {
		s.after = s.mark.Seq + 1 // clocks of leaders that differ have no say in it
	}
	return s, b.lookBack(ctx, &s)
}

// lookBack finds out where a consumer goes on that was reset.
func (b *Broker) lookBack(ctx context.Context, s *stand) error {
	if !s.exists || s.floor >= s.mark.Floor {
		return nil
	}
	resume, err := b.firstFrom(ctx, s.mark.Time.Add(-max(relapse, 2*b.options.Sync)), s.last)
	if err == nil && s.floor+1 < resume {
		s.resume = resume
	}
	return err
}

// dispatchInfo is what NATS says of the consumer, nil if there is none. A stream that is gone is made again first.
func (b *Broker) dispatchInfo(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := b.JetStream.Consumer(ctx, streamEvents, dispatchName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = b.makeMissing(ctx); err == nil {
			err = jetstream.ErrConsumerNotFound
		}
	}
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return consumer.CachedInfo(), nil
}

// makeDispatch makes the consumer from a sequence on, in place of the one that was found, and returns when NATS made it.
// Another process may do the same at this time: the first one wins, and the other looks again.
func (b *Broker) makeDispatch(ctx context.Context, s stand, v verdict) (time.Time, error) {
	config := b.dispatchConfig()
	if v.from > 1 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, v.from
	}
	if s.exists {
		err := b.JetStream.DeleteConsumer(ctx, streamEvents, dispatchName)
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return time.Time{}, fmt.Errorf("remove it to make it again: %w", err)
		}
	}
	made, err := b.makeConsumer(ctx, b.JetStream.CreateConsumer, streamEvents, config)
	if err != nil {
		return time.Time{}, fmt.Errorf("make it from event %d on: %w", v.from, err)
	}
	if s.exists || !s.mark.IsZero() {
		b.options.Log.Error("the consumer "+dispatchName+" was made again: "+v.why, zap.Uint64("from", v.from), zap.Uint64("last", s.last),
			zap.Uint64("seq", s.mark.Seq), zap.Time("published", s.mark.Time), zap.Uint64("floor", s.mark.Floor))
	}
	return made.CachedInfo().Created, nil
}

// handed takes in the reply subject of the newest event that a pull brought.
func (b *Broker) handed(reply string) {
	seq, at, err := Place(&nats.Msg{Reply: reply})
	if err != nil {
		return // whoever took the event said so
	}
	b.watch.mu.Lock()
	if at.Before(b.watch.mark.Time.Add(-relapse)) {
		b.watch.mu.Unlock()
		b.doubt() // it was reset under a running process
		return
	}
	m := &b.watch.mark
	m.Position, m.Made = event.Position{Seq: seq, Time: at.UTC()}, b.watch.made
	m.First = b.first.Load()
	b.watch.mu.Unlock()
	b.note()
}

// note has the mark written down.
func (b *Broker) note() {
	select {
	case b.watch.noted <- struct{}{}:
	default: // it is to be written already
	}
}
