package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/registry"
)

// outstanding is an event that is not acknowledged yet.
type outstanding struct {
	msg   jetstream.Msg
	event event.Event
	// skipped is true if a webhook was left out because of its open range.
	skipped bool

	// What follows is guarded by the worker's lock. Since is when the event came, or when the last sign of life for it
	// was given; left counts the deliveries that are not settled; failed is true if one could not even be handed over;
	// again is true if NATS has handed the event out once more meanwhile.
	since  time.Time
	left   int
	failed bool
	again  bool
}

// kept says whether the event can be acknowledged and forgotten. One that NATS handed out again may be so by a NATS that
// lost how far it was, and then an open range that was respected may have ended before this event: so it has to come
// once more.
func (o *outstanding) kept() bool { return !o.failed && !(o.again && o.skipped) }

func (o *outstanding) pair() registry.Pair {
	return registry.Pair{Account: o.event.Account, Event: o.event.Name}
}

// task is one delivery of an event.
type task struct {
	event *outstanding
	to    *registry.Subscription
	lane  *lane
	since time.Time
	// begun is true once the attempt has begun or the backlog has taken over, guarded by the worker's lock.
	begun bool
}

// lane is what the live path has for one webhook.
type lane struct {
	key string
	// tasks are those not settled, oldest first.
	tasks []*task
	// streak counts the events in a row that were rejected.
	streak int
	// leaving is true once the webhook is known not to take its events: they go to its backlog, without an attempt,
	// until the lane is empty.
	leaving bool
}

// add hands an event to a webhook's lane. It waits while too many deliveries are outstanding.
func (w *Worker) add(ctx, hard context.Context, o *outstanding, s *registry.Subscription) {
	for {
		w.mu.Lock()
		if w.tasks < deliveries || ctx.Err() != nil {
			break
		}
		w.mu.Unlock()
		select {
		case <-w.less:
		case <-ctx.Done():
		}
	}
	l := w.lanes[s.Target.Key]
	if l == nil {
		l = &lane{key: s.Target.Key}
		w.lanes[l.key] = l
	}
	// The last events before the range of an inactive webhook are not for the live path either.
	away := l.leaving || !s.Webhook.Active || s.Locked
	t := &task{event: o, to: s, lane: l, since: time.Now(), begun: away}
	l.tasks = append(l.tasks, t)
	o.left++
	w.tasks++
	w.wg.Add(1)
	w.mu.Unlock()
	if away {
		go w.cover(context.WithoutCancel(hard), t, w.passed(t, delivery.Slow), 0)
		return
	}
	w.Slots.Go(l.key, s.Target.MaxInFlight, func() { w.attempt(hard, t) })
}

// passed is what stands for an attempt where none was made.
func (w *Worker) passed(t *task, outcome delivery.Outcome) delivery.Attempt {
	return delivery.Attempt{
		Seq: t.event.event.Seq, ID: t.event.event.ID, At: w.Now(), Outcome: outcome,
		Error: "the webhook did not keep up with its events",
	}
}

// attempt delivers, once.
func (w *Worker) attempt(hard context.Context, t *task) {
	w.mu.Lock()
	begun := t.begun
	t.begun = true
	w.mu.Unlock()
	if begun {
		return // the backlog has it
	}
	if w.lapsed(t.event) {
		w.finish(t, false)
		return
	}
	if w.Webhooks.Gone(t.lane.key) {
		w.finish(t, true)
		return
	}
	e := &t.event.event
	a := w.Sender.Attempt(hard, t.to.Target, delivery.Request{Event: e.Name, ID: e.ID, Seq: e.Seq, Data: e.Data, Number: 1})
	fault.At(fault.Attempted)
	class := a.Outcome.Class()
	w.mu.Lock()
	switch class {
	case delivery.Success:
		t.lane.streak = 0
	case delivery.Rejected:
		t.lane.streak++
	}
	streak := t.lane.streak
	w.mu.Unlock()
	switch class {
	case delivery.Success:
		w.finish(t, true)
		return
	case delivery.Unreachable, delivery.Ended:
		// Those behind it in the lane would meet the same.
		w.handOver(context.WithoutCancel(hard), func(l *lane) bool { return l == t.lane }, delivery.Slow)
	}
	w.cover(context.WithoutCancel(hard), t, a, streak)
}

// lapsed says whether the process was held up for so long, as by a SIGSTOP, that NATS has handed the event out to
// somebody else: it is not ours any more.
func (w *Worker) lapsed(o *outstanding) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.old(o)
}

// covering bounds how long a hand-over is tried; the event comes again after it.
const covering = time.Minute

// cover hands an event over to its webhook's backlog, and tries again while that fails.
func (w *Worker) cover(ctx context.Context, t *task, a delivery.Attempt, streak int) {
	if w.lapsed(t.event) {
		w.finish(t, false)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, covering)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := w.Cover.Cover(ctx, t.lane.key, a, streak)
		if err == nil || ctx.Err() != nil {
			fault.At(fault.HandedOff)
			w.finish(t, err == nil)
			return
		}
		// A record that nobody here can change is met by every event of the webhook.
		say := func() {
			w.Log.Warn("hand an event over to its backlog", zap.String("webhook", t.lane.key), zap.Uint64("seq", a.Seq), zap.Error(err))
		}
		if errors.Is(err, registry.ErrNewer) || errors.Is(err, registry.ErrUnreadable) {
			w.left.Do(say)
		} else {
			say()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// handOver gives what waits in some lanes to their backlogs, without an attempt.
func (w *Worker) handOver(ctx context.Context, which func(*lane) bool, outcome delivery.Outcome) {
	var taken []*task
	w.mu.Lock()
	for _, l := range w.lanes {
		if !which(l) {
			continue
		}
		l.leaving = true
		for _, t := range l.tasks {
			if !t.begun {
				t.begun = true
				taken = append(taken, t)
			}
		}
	}
	w.mu.Unlock()
	for _, t := range taken {
		go w.cover(ctx, t, w.passed(t, outcome), 0)
	}
}

// finish settles a task; kept is false if the event could neither be delivered nor handed over.
func (w *Worker) finish(t *task, kept bool) {
	w.mu.Lock()
	l := t.lane
	for i, other := range l.tasks {
		if other == t {
			l.tasks = append(l.tasks[:i], l.tasks[i+1:]...)
			break
		}
	}
	if len(l.tasks) == 0 && l.streak == 0 {
		delete(w.lanes, l.key)
	} else if len(l.tasks) == 0 {
		l.leaving = false
	}
	w.tasks--
	w.mu.Unlock()
	w.settle(t.event, kept)
	w.wg.Done()
}

// settle counts one delivery of an event as dealt with, and acknowledges the event after the last.
func (w *Worker) settle(o *outstanding, kept bool) {
	w.mu.Lock()
	o.left--
	o.failed = o.failed || !kept
	last := o.left == 0
	if last {
		delete(w.out, o.event.Seq)
		// For the same reason, what was skipped in an open range is not known to be done for good.
		if o.kept() && !o.skipped {
			w.done[o.event.Seq%uint64(len(w.done))] = o.event.Seq
		}
	}
	ack := last && o.kept()
	if ack {
		w.last = o.msg
	}
	w.mu.Unlock()
	if ack {
		w.ack(o)
	}
	signal(w.less)
}

// forget drops an event that is given back or rejected.
func (w *Worker) forget(o *outstanding) {
	w.mu.Lock()
	delete(w.out, o.event.Seq)
	w.mu.Unlock()
	signal(w.less)
}

// signal leaves a word for whoever waits, or will wait, on a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *Worker) ack(o *outstanding) {
	if err := o.msg.Ack(); err != nil {
		w.Log.Warn("acknowledge an event", zap.Uint64("seq", o.event.Seq), zap.Error(err))
	}
}
