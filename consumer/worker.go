// Package consumer is the live path: it fetches events, looks up their webhooks, attempts each once, and acknowledges.
//
// An event is acknowledged when every webhook it is for has answered 2xx or has it in its durable backlog.
package consumer

import (
	"context"
	"errors"
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
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

const (
	// fetchSize is how many events one fetch asks for, and so the largest batch that is looked up at once.
	fetchSize = 500
	// window bounds the events that this process holds without having acknowledged them.
	window = 4096
	// deliveries bounds the attempts that wait or are under way, where events are for many webhooks; once there are so
	// many, others are added when there are fewer.
	deliveries, fewer = 50_000, 45_000
	// patience is how long a webhook may keep an event of the live path waiting before its backlog takes over, and
	// glance how often that is looked at.
	patience = 2 * time.Second
	glance   = 250 * time.Millisecond
	// crowd is how many events of a webhook that answers nothing are too many to have patience for.
	crowd = window / 8
	// ackMargin is how long before the end of the ack wait an event counts as somebody else's.
	ackMargin = 2 * time.Second
	// elsewhere is how long an event that only a newer version can deliver is left alone.
	elsewhere = time.Second
	// Where so many events were dealt with in the time of a linger, lately, and so many are out, or those of so many lingers
	// if that is more, there is no hurry with the next: they wait so long for company, since many together cost one look-up
	// and wake this process once. So do acknowledgements: each by itself would be a write to NATS. Events that are out
	// because some webhooks are slow have others wait for nothing.
	briskEvents, busyEvents, busyLingers = 16, 256, 4
	linger                               = 5 * time.Millisecond
)

// Cover takes over events from the live path.
type Cover interface {
	// Cover returns when the webhook's backlog durably holds the event of the attempt. Streak is how many events in
	// a row were rejected. Sequence 0 stands for no event: the webhook is slow.
	Cover(ctx context.Context, key string, a delivery.Attempt, streak int) error
	// Wake has the webhook's backlog look at the stream.
	Wake(ctx context.Context, key string) error
}

// Webhooks finds the webhooks of events.
type Webhooks interface {
	Lookup(ctx context.Context, pairs []registry.Pair) (map[registry.Pair][]*registry.Subscription, error)
	// Gone says whether the webhook was deleted lately.
	Deleted(key string) bool
}

// Sender makes and logs one attempt.
type Sender interface {
	Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt
}

// Rejects moves a message that cannot be delivered at all out of the stream.
type Rejects interface {
	Reject(ctx context.Context, subject string, header nats.Header, data []byte, seq uint64, reason string) error
}

// Events hands out events, each until it is acknowledged.
type Events interface {
	Pull(events int, wait time.Duration) (*broker.Pull, error)
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
	// Known are the names of events that webhooks can be made for.
	Known []string
	// Now is the time by the clock that all nodes share.
	Now func() time.Time
	// Pull is how long a fetch waits for events: how soon it is known that NATS has forgotten it, how long NATS goes on
	// handing events to a process that is held up, and how long a stop waits for what NATS has sent.
	Pull time.Duration
	// AckWait is the consumer's; signs of life are sent well inside it.
	AckWait time.Duration
	// Grace is how long a stop waits for attempts under way.
	Grace time.Duration
	Log   *zap.Logger
}

// Worker is one process's share of the live path.
type Worker struct {
	Options
	known map[string]bool

	mu sync.Mutex
	// out are the events that are not acknowledged yet, by sequence, and tasks counts their deliveries; less is
	// signalled when there is room for a whole fetch, or for another delivery.
	out   map[uint64]*outstanding
	tasks int
	less  chan struct{}
	lanes map[string]*lane
	// dealt is how many events were dropped from out since counted; pace is how many it were in a linger, the time before.
	dealt   int
	counted time.Time
	pace    int
	// signing and glancing are signalled when an event goes out after a time without.
	signing, glancing chan struct{}
	// acks are the events to be acknowledged, and acking is signalled when there are some.
	acks   []*outstanding
	acking chan struct{}
	// wakes are the backlogs of ordered webhooks that are about to be woken.
	wakes map[string]bool
	// done are the last sequences acknowledged, each at its remainder: an event whose acknowledgement was lost is not
	// delivered again.
	done [1 << 14]uint64
	// last is the message that was acknowledged last; it belongs to acknowledges.
	last *nats.Msg
	wg   sync.WaitGroup
	// newer bounds what is said of webhooks' records of a newer version, left what is said of backlogs that are left alone.
	newer, left rate.Sometimes
}

// NewWorker makes a worker.
func NewWorker(o Options) *Worker {
	w := &Worker{
		Options: o, known: map[string]bool{}, wakes: map[string]bool{}, out: map[uint64]*outstanding{}, lanes: map[string]*lane{},
		newer: rate.Sometimes{First: 1, Interval: time.Minute}, left: rate.Sometimes{First: 1, Interval: time.Minute},
		less: make(chan struct{}, 1), signing: make(chan struct{}, 1), glancing: make(chan struct{}, 1), acking: make(chan struct{}, 1),
	}
	for _, name := range o.Known {
		w.known[name] = true
	}
	return w
}

// Run delivers until the context ends. Then it fetches no more and finishes what is under way within the grace; what
// is left goes to the backlogs. Nothing is lost, and nothing is sent twice, by a stop.
func (w *Worker) Run(ctx context.Context) error {
	hard, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	watching, stopWatching := context.WithCancel(hard)
	var watchers sync.WaitGroup
	watchers.Go(func() { w.signs(watching) })
	watchers.Go(func() { w.glances(watching, hard) })
	watchers.Go(func() { w.acknowledges(watching) })

	for ctx.Err() == nil {
		if err := w.fetch(ctx, hard); err != nil && ctx.Err() == nil {
			w.Log.Warn("fetch events", zap.Error(err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	finished := make(chan struct{})
	go func() { w.wg.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(w.Grace):
		w.Log.Warn("attempts are cut off: the grace is over")
		cut(errors.New("saumer stops"))
		w.handOver(context.WithoutCancel(ctx), func(*lane) bool { return true }, delivery.Aborted)
		<-finished
	}
	stopWatching()
	watchers.Wait()
	w.confirm(context.WithoutCancel(ctx))
	return nil
}

// confirming bounds the wait for the last acknowledgements.
const confirming = 5 * time.Second

// confirm sees to it that no acknowledgement is lost by the end of an embedded NATS, which takes them in by and by.
func (w *Worker) confirm(ctx context.Context) {
	if w.last == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, confirming)
	defer cancel()
	if err := w.Acks.Confirm(ctx, w.last.Reply); err != nil {
		w.Log.Warn("make sure of the last acknowledgements; some events may be sent twice", zap.Error(err))
	}
}

// fetch takes what is there, up to fetchSize events, and dispatches it in batches as it comes.
func (w *Worker) fetch(ctx, hard context.Context) error {
	room := w.room(ctx)
	if room == 0 {
		return nil
	}
	asked := time.Now()
	pull, err := w.Events.Pull(min(fetchSize, room), w.Pull)
	if err != nil {
		return err
	}
	defer func() {
		if err := pull.Close(); err != nil {
			w.Log.Debug("events may come later than they could", zap.Error(err))
		}
	}()
	batch := make([]*nats.Msg, 0, fetchSize)
	for ctx.Err() == nil {
		m := pull.Next(ctx.Done())
		if m == nil {
			break
		}
		batch = w.gather(append(batch[:0], m), pull)
		w.dispatch(ctx, hard, batch, w.handedOut(asked))
	}
	if ctx.Err() == nil {
		return pull.Err()
	}
	// A pull that was left would have what is on its way to it come again after the ack wait alone.
	for m := pull.Next(nil); m != nil; m = pull.Next(nil) {
		w.giveBack(m)
	}
	return nil
}

// atOnce is a time that is over.
var atOnce = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// gather adds what else there is to a batch. While the process is busy anyway it waits a little for more.
func (w *Worker) gather(batch []*nats.Msg, pull *broker.Pull) []*nats.Msg {
	for waited := false; len(batch) < fetchSize; {
		m := pull.Next(atOnce)
		switch {
		case m != nil:
			batch = append(batch, m)
		case !waited && w.crowded():
			waited = true
			time.Sleep(linger) // to be woken by each would cost more than the look-up
		default:
			return batch
		}
	}
	return batch
}

// crowded says whether there is no hurry with the next event.
func (w *Worker) crowded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if passed := now.Sub(w.counted); passed >= linger {
		w.pace = int(time.Duration(w.dealt) * linger / passed)
		w.counted, w.dealt = now, 0
	}
	return w.brisk() && len(w.out) >= max(busyEvents, busyLingers*w.pace)
}

// brisk says whether many events were dealt with lately; under the lock.
func (w *Worker) brisk() bool { return w.pace >= briskEvents }

// giveBack has a message handed out again at once.
func (w *Worker) giveBack(m *nats.Msg) {
	if err := m.Nak(); err != nil {
		w.Log.Debug("give an event back; it comes again after the ack wait", zap.Error(err))
	}
}

// room is how many events may be fetched. It waits a little for the room of a whole fetch, and for some in any case; it
// returns 0 when the context ends.
func (w *Worker) room(ctx context.Context) int {
	for patient := true; ; patient = false {
		w.mu.Lock()
		room := window - len(w.out)
		w.mu.Unlock()
		if room >= fetchSize || room > 0 && !patient {
			return room
		}
		select {
		case <-ctx.Done():
			return 0
		case <-w.less:
		case <-time.After(linger):
		}
	}
}

// handedOut is from when on the ack wait of what a fetch brings counts: now, unless the process was held up since it was
// asked for. What lay in a socket meanwhile may be somebody else's by now.
func (w *Worker) handedOut(asked time.Time) time.Time {
	now := time.Now()
	if now.Sub(asked) > w.Pull+ackMargin {
		return asked
	}
	return now
}

// dispatch looks up the webhooks of a batch that was handed out at a time, and hands its events to their lanes.
func (w *Worker) dispatch(ctx, hard context.Context, batch []*nats.Msg, since time.Time) {
	events := make([]*outstanding, 0, len(batch))
	var pairs []registry.Pair
	asked := map[registry.Pair]bool{}
	for _, m := range batch {
		o := w.admit(hard, m, since)
		if o == nil {
			continue
		}
		events = append(events, o)
		if pair := o.pair(); !asked[pair] {
			asked[pair] = true
			pairs = append(pairs, pair)
		}
	}
	if len(events) == 0 {
		return
	}
	fault.At(fault.Fetched)
	found, ok := w.lookup(ctx, pairs)
	fault.At(fault.LookedUp)
	for _, o := range events {
		if !ok {
			w.forget(o)
			w.giveBack(o.msg)
			continue
		}
		w.spread(ctx, hard, o, found[o.pair()])
	}
}

// admit makes an event of a message; nil if it is dealt with already: rejected, or out or done in this process.
func (w *Worker) admit(ctx context.Context, m *nats.Msg, since time.Time) *outstanding {
	seq, at, err := broker.Place(m)
	if err != nil {
		w.Log.Error("an event without its place in the stream is left alone", zap.Error(err))
		return nil
	}
	e, err := event.New(m.Subject, m.Header, m.Data, seq, at)
	if err == nil {
		err = event.Check(e.Data)
	}
	if err != nil {
		w.reject(ctx, m, seq, err.Error())
		return nil
	}
	o := &outstanding{msg: m, event: e, since: since}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.out[seq] != nil:
		w.out[seq].again = true
		return nil
	case w.done[seq%uint64(len(w.done))] == seq:
		w.toAck(o)
		return nil
	}
	w.out[seq] = o
	if len(w.out) == 1 {
		signal(w.signing)
		signal(w.glancing)
	}
	return o
}

// reject moves what cannot be delivered out of the way. If that fails, it comes again after the ack wait.
func (w *Worker) reject(ctx context.Context, m *nats.Msg, seq uint64, reason string) {
	w.Log.Warn("an event is rejected", zap.String("subject", m.Subject), zap.Uint64("seq", seq), zap.String("reason", reason))
	if err := w.Rejects.Reject(ctx, m.Subject, m.Header, m.Data, seq, reason); err != nil {
		w.Log.Warn("reject an event", zap.Error(err))
		return
	}
	if err := m.Ack(); err != nil {
		w.Log.Warn("acknowledge a rejected event", zap.Uint64("seq", seq), zap.Error(err))
	}
}

// lookup asks until there is an answer; false when the context ends. Nothing is fetched meanwhile.
func (w *Worker) lookup(ctx context.Context, pairs []registry.Pair) (map[registry.Pair][]*registry.Subscription, bool) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		found, err := w.Webhooks.Lookup(ctx, pairs)
		if err == nil {
			return found, true
		}
		if ctx.Err() != nil {
			return nil, false
		}
		w.Log.Warn("events wait for the look-up of their webhooks", zap.Error(err))
		select {
		case <-ctx.Done():
			return nil, false
		case <-time.After(wait):
		}
	}
}

// spread hands an event to the lanes of its webhooks.
func (w *Worker) spread(ctx, hard context.Context, o *outstanding, subscriptions []*registry.Subscription) {
	if len(subscriptions) == 0 && !w.known[o.event.Name] {
		w.forget(o)
		w.reject(hard, o.msg, o.event.Seq, "unknown event, and no webhook is subscribed to it")
		return
	}
	if slices.ContainsFunc(subscriptions, func(s *registry.Subscription) bool { return s.Newer }) {
		w.newer.Do(func() {
			w.Log.Warn("events are left to nodes of a newer version, which wrote the record of one of their webhooks",
				zap.String("account", o.event.Account), zap.String("event", o.event.Name))
		})
		w.forget(o)
		if err := o.msg.NakWithDelay(elsewhere); err != nil {
			w.Log.Debug("give an event back; it comes again after the ack wait", zap.Error(err))
		}
		return
	}
	o.left = 1 // until all lanes have it
	for _, s := range subscriptions {
		if r, skip := s.Webhook.RangeOf(o.event.Position()); !skip {
			w.add(ctx, hard, o, s)
		} else if r.Open() {
			o.skipped = true
			if s.Webhook.Settings.Ordered && s.Webhook.Active {
				w.wake(hard, s.Target.Key)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(o, true)
}

// wake wakes the backlog of an ordered webhook. Many events at about the same time are one wake.
func (w *Worker) wake(ctx context.Context, key string) {
	w.mu.Lock()
	known := w.wakes[key]
	w.wakes[key] = true
	w.mu.Unlock()
	if known {
		return
	}
	w.wg.Go(func() {
		// What is passed from here on needs another.
		w.mu.Lock()
		delete(w.wakes, key)
		w.mu.Unlock()
		if err := w.Cover.Wake(ctx, key); err != nil {
			w.Log.Warn("wake the backlog of an ordered webhook; the sweep makes up for it", zap.String("webhook", key), zap.Error(err))
		}
	})
}
