// Package consumer is the live path: it fetches events, looks up their webhooks, attempts each once, and acknowledges.
//
// A delivery is done when its webhook has answered 2xx or has the event in its durable backlog. An event is done, and
// acknowledged, when all its deliveries are.
//
// A [Worker] fetches and spreads. What it spreads has four owners: the events in flight (inflight), the webhooks' lanes
// (lanes), the acknowledgements (acks) and the pace (pace). They share one mutex, Worker.mu, since the end of a delivery
// concerns all of them at once and is to take one lock.
package consumer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

const (
	// fetchSize is how many events one fetch asks for, and so the largest batch that is looked up at once. Together they have
	// fetchBytes at most: far less than NATS keeps for a client. A fetch asks for no less than leastBytes, in which the largest
	// event that can be delivered fits with its headers.
	fetchSize  = 500
	fetchBytes = 8 << 20
	leastBytes = 2 * event.MaxSize
	// newerWait is when an event that only a newer version can deliver is handed out again.
	newerWait = time.Second
	// unknownWait is when an event is handed out again of which it cannot be told whether its account is there.
	unknownWait = time.Second
)

// afterError is how long to wait after a fetch that failed.
var afterError = lifetime.Waits{First: time.Second, Longest: time.Second}

// Cover takes over events from the live path.
type Cover interface {
	// Cover returns when the webhook's backlog durably holds the events of the attempts. Streak is how many events in a row
	// were rejected. Sequence 0 stands for no event: the webhook is to leave the live path.
	Cover(ctx context.Context, key string, attempts []delivery.Attempt, streak int) error
	// Wake has the webhook's backlog look at the stream.
	Wake(ctx context.Context, key string) error
}

// Webhooks finds the webhooks of events.
type Webhooks interface {
	Lookup(ctx context.Context, pairs []registry.Pair) (map[registry.Pair][]*registry.Subscription, error)
	// Deleted says whether the webhook was deleted lately.
	Deleted(key string) bool
	// Sole says whether there is one webhook at most, which keeps no other waiting.
	Sole() bool
}

// Sender makes and logs one attempt.
type Sender interface {
	Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt
}

// Rejects moves a message that cannot be delivered at all out of the stream.
type Rejects interface {
	Reject(ctx context.Context, subject string, header nats.Header, data []byte, at event.Position, reason string) error
}

// Names says whether webhooks can be made for an event in any process, and whether there is an account.
type Names interface {
	KnowsEvent(ctx context.Context, name string) (bool, error)
	KnowsAccount(ctx context.Context, name string) (bool, error)
}

// Events hands out events, each until it is acknowledged.
type Events interface {
	Pull(events, bytes int, wait time.Duration) (*broker.Pull, error)
}

// Acks makes sure of acknowledgements, which are sent without waiting for an answer.
type Acks interface {
	// Confirm returns when NATS has taken in the acknowledgement of a message, sent to reply, and all that came before it.
	Confirm(ctx context.Context, reply string) error
}

// Options of a worker.
type Options struct {
	Events   Events
	Webhooks Webhooks
	Sender   Sender
	Slots    *slots.Slots
	Cover    Cover
	Rejects  Rejects
	Acks     Acks
	Names    Names
	// Now is the time by the clock that all nodes share.
	Now func() time.Time
	// Pull is how long a fetch waits for events: how soon it is known that NATS has forgotten it, how long NATS goes on
	// handing events to a process that is held up, and how long a stop waits for what NATS has sent.
	Pull time.Duration
	// AckWait is the consumer's; NATS is told well inside it that events are in progress.
	AckWait time.Duration
	// Grace is how long a stop waits for attempts in flight.
	Grace time.Duration
	Log   *zap.Logger
}

// Worker is one process's share of the live path.
type Worker struct {
	Options
	// mu guards what the owners keep.
	mu       sync.Mutex
	pace     pace
	inflight *inflight
	acks     *acks
	lanes    *lanes

	wakes wakes
	// batch is what was fetched last, and ahead what was asked for before that is dealt with. Both belong to the goroutine that
	// fetches.
	batch batch
	ahead request
	// newer bounds what is said of webhooks' records of a newer version, and busy what is said of busy webhooks.
	newer, busy rate.Sometimes
}

// NewWorker makes a worker.
func NewWorker(o Options) *Worker {
	w := &Worker{
		Options: o, newer: rate.Sometimes{First: 1, Interval: time.Minute}, busy: rate.Sometimes{First: 10, Interval: time.Second},
		wakes: newWakes(o.Cover, o.Log),
	}
	w.inflight = newInflight(&w.mu, &w.pace, o.AckWait, o.Log)
	w.acks = newAcks(&w.mu, w.inflight, &w.pace, o.Acks, o.Log)
	w.lanes = newLanes(&w.mu, w.inflight, w.acks, &w.wakes, &w.Options)
	return w
}

// Run delivers until the context ends. Then it fetches no more and finishes what is under way within the grace; what
// is left goes to the backlogs. Nothing is lost, and nothing is sent twice, by a stop.
func (w *Worker) Run(ctx context.Context) error {
	hard, cut := lifetime.Hard(ctx)
	defer cut()
	// What is cut off is still handed over and acknowledged.
	looping, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { w.inflight.report(looping) })
	loops.Go(func() { w.lanes.watch(looping, hard) })
	loops.Go(func() { w.acks.send(looping) })

	lifetime.Repeat(ctx, afterError, func() error { return w.fetch(ctx, hard) }, func(err error) {
		w.Log.Warn("events were not fetched", zap.Error(err))
	})
	lifetime.Drain(w.Grace, func() { w.lanes.wg.Wait(); w.wakes.wg.Wait() }, func() {
		w.Log.Warn("attempts are cut off: the grace is over")
		cut()
		w.lanes.cutOff(context.WithoutCancel(ctx))
	})
	stopLoops()
	loops.Wait()
	w.acks.confirm(context.WithoutCancel(ctx))
	return nil
}

// setBack takes in the last loss of what NATS had stored: what this process takes for done is not.
func (w *Worker) setBack(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inflight.setBackLocked(number) {
		w.acks.withdrawAllLocked()
	}
}

// dispatch looks up the webhooks of a batch that was handed out at a time. What is not the live path's to deliver is passed
// over, and the other events are handed to their lanes.
func (w *Worker) dispatch(ctx, hard context.Context, messages []*nats.Msg, since time.Time) {
	if len(messages) == 0 {
		return
	}
	b := &w.batch
	b.fill(messages)
	defer b.forget()
	fault.At(fault.Fetched)
	ok := w.lookup(ctx, b)
	fault.At(fault.LookedUp)
	if !ok {
		for _, a := range b.arrivals {
			if !w.inflight.has(a.position) {
				w.giveBack(a.msg)
			}
		}
		return
	}
	by := passing{}
	for _, a := range w.passOver(hard, b) {
		if e := w.admit(hard, a.msg, since); e != nil {
			w.spread(hard, e, b.found[a.pair], by)
		}
	}
	w.lanes.pass(context.WithoutCancel(hard), by)
	w.relieve(hard, broker.Pending(messages[len(messages)-1]))
}

// admit has the event of a message in flight; nil if nothing is left to do with it: it was rejected, or is in flight or
// done in this process.
func (w *Worker) admit(ctx context.Context, m *nats.Msg, since time.Time) *inflightEvent {
	seq, at, err := broker.Place(m)
	if err != nil {
		w.Log.Error("an event without its place in the stream is ignored", zap.Error(err))
		return nil
	}
	e := &inflightEvent{msg: m, size: m.Size(), since: since}
	e.event, err = event.New(m.Subject, m.Header, m.Data, seq, at)
	if err == nil {
		err = event.Check(e.event.Data)
	}
	if err != nil {
		w.mu.Lock()
		w.inflight.displaceLocked(event.Position{Seq: seq, Time: at})
		w.acks.withdrawLocked(seq)
		w.mu.Unlock()
		w.reject(ctx, m, event.Position{Seq: seq, Time: at}, err.Error())
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.inflight.admitLocked(e) {
	case known:
		return nil
	case wasDone:
		w.acks.addLocked(e)
		return nil
	case admittedAnew:
		w.acks.withdrawLocked(seq)
	}
	e.crowded = w.lanes.crowdedLocked(e.account)
	return e
}

// reject moves what cannot be delivered out of the way. If that fails, it comes again after the ack wait.
func (w *Worker) reject(ctx context.Context, m *nats.Msg, at event.Position, reason string) {
	seq := at.Seq
	w.Log.Warn("an event is rejected", zap.String("subject", m.Subject), zap.Uint64("seq", seq), zap.String("reason", reason))
	if err := w.Rejects.Reject(ctx, m.Subject, m.Header, m.Data, at, reason); err != nil {
		w.Log.Warn("a rejected event was not moved; it comes again after the ack wait", zap.Uint64("seq", seq), zap.Error(err))
		return
	}
	if err := m.Ack(); err != nil {
		w.Log.Warn("a rejected event was not acknowledged", zap.Uint64("seq", seq), zap.Error(err))
	}
}

// lookup asks for the webhooks of a batch until there is an answer; false when the context ends. Nothing is fetched meanwhile.
func (w *Worker) lookup(ctx context.Context, b *batch) bool {
	return nil == lifetime.Retry(ctx, untilAnswered, func() error {
		found, err := w.Webhooks.Lookup(ctx, b.pairs)
		for i, pair := range b.pairs {
			b.found[i] = found[pair]
		}
		return err
	}, func(err error) {
		w.Log.Warn("events wait for the look-up of their webhooks", zap.Error(err))
	})
}

// spread hands an event to the lanes of its webhooks: at once, or, where its account has more deliveries than its share, when
// some of these are done. It does not wait. What passes its lane is added to by.
func (w *Worker) spread(hard context.Context, e *inflightEvent, subscriptions []*registry.Subscription, by passing) {
	if len(subscriptions) == 0 {
		switch unknown, err := w.unknown(hard, e.event.Account, e.event.Name); {
		case err != nil:
			w.Log.Warn("an event waits until it is known whether its name and its account are", zap.String("account", e.event.Account),
				zap.String("event", e.event.Name), zap.Error(err))
			w.inflight.remove(e)
			if err := e.msg.NakWithDelay(unknownWait); err != nil {
				w.Log.Debug("an event was not given back; it comes again after the ack wait", zap.Error(err))
			}
			return
		case unknown != "":
			w.inflight.remove(e)
			w.reject(hard, e.msg, e.event.Position(), unknown)
			return
		}
	}
	if slices.ContainsFunc(subscriptions, func(s *registry.Subscription) bool { return s.Newer }) {
		w.giveBackToNewer(e)
		return
	}
	if e.crowded && w.lanes.later(e, func() {
		by := passing{}
		w.fanOut(hard, e, subscriptions, by)
		w.lanes.pass(context.WithoutCancel(hard), by)
	}) {
		return
	}
	w.fanOut(hard, e, subscriptions, by)
}

// unknown says why an event that no webhook is for cannot be one: empty if it can.
func (w *Worker) unknown(ctx context.Context, account, name string) (why string, err error) {
	if known, err := w.Names.KnowsEvent(ctx, name); err != nil || !known {
		return "unknown event, and no webhook is subscribed to it", err
	}
	if known, err := w.Names.KnowsAccount(ctx, account); err != nil || !known {
		return "there is no account of this name", err
	}
	return "", nil
}

// fanOut adds an event to the lanes of those of its webhooks that it is the live path's for.
func (w *Worker) fanOut(hard context.Context, e *inflightEvent, subscriptions []*registry.Subscription, by passing) {
	for _, s := range subscriptions {
		switch r, skip := s.Webhook.RangeOf(e.event.Position()); {
		case !skip && !s.Filter.LeftOut(e.event.Data):
			w.lanes.add(hard, e, s, by)
		case skip && r.Open():
			e.skipped = true
			w.wakes.pass(hard, s)
		}
	}
	w.acks.done(e, true)
}

// giveBackToNewer leaves an event to nodes of a newer version.
func (w *Worker) giveBackToNewer(e *inflightEvent) {
	w.newer.Do(func() {
		w.Log.Warn("events are left to nodes of a newer version, which wrote the record of one of their webhooks",
			zap.String("account", e.event.Account), zap.String("event", e.event.Name))
	})
	w.inflight.remove(e)
	if err := e.msg.NakWithDelay(newerWait); err != nil {
		w.Log.Debug("an event was not given back; it comes again after the ack wait", zap.Error(err))
	}
}
