package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// outstanding is an event that is not acknowledged yet.
type outstanding struct {
	msg   *nats.Msg
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
	// begun is true once the attempt has begun or the backlog has taken over, and began is when the attempt has, zero
	// without one; like its neighbours in the lane they are guarded by the worker's lock.
	begun         bool
	began         time.Time
	before, after *task
}

// lane is what the live path has for one webhook.
type lane struct {
	key string
	// oldest and newest are the ends of the tasks that are not settled.
	oldest, newest *task
	// size is how many these are, and moved is true if some were settled since the last glance.
	size  int
	moved bool
	// streak counts the events in a row that were rejected.
	streak int
	// leaving is true once the webhook is known not to take its events: they go to its backlog, without an attempt,
	// until the lane is empty.
	leaving bool
}

func (l *lane) add(t *task) {
	if t.before = l.newest; t.before == nil {
		l.oldest = t
	} else {
		t.before.after = t
	}
	l.newest = t
	l.size++
}

func (l *lane) remove(t *task) {
	l.size--
	l.moved = true
	if t.before == nil {
		l.oldest = t.after
	} else {
		t.before.after = t.after
	}
	if t.after == nil {
		l.newest = t.before
	} else {
		t.after.before = t.before
	}
}

// slow says whether the webhook keeps the live path waiting: an attempt outlasts the patience, or an event has waited as
// long for one of the webhook's own slots, which are all taken if full is true. One that waits for a process which is
// busy with others is none of the webhook's. It is slow at once if it fills much of the window and answers nothing.
func (l *lane) slow(now time.Time, full bool) bool {
	stuck := full && !l.moved && l.size > crowd
	for t := l.oldest; t != nil; t = t.after {
		switch {
		case !t.begun:
			return full && now.Sub(t.since) > patience
		case t.began.IsZero(): // its backlog has it
		case now.Sub(t.began) > patience, stuck && now.Sub(t.began) > glance:
			return true
		}
	}
	return false
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
	// The last events before the range of an inactive webhook are not for the live path either, nor those of an ordered
	// one before its range.
	away := l.leaving || !s.Webhook.Active || s.Webhook.Settings.Ordered || s.Locked
	t := &task{event: o, to: s, lane: l, since: time.Now(), begun: away}
	l.add(t)
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
	begun, old := t.begun, w.old(t.event)
	if !begun {
		t.begun, t.began = true, time.Now()
	}
	w.mu.Unlock()
	switch {
	case begun:
		return // the backlog has it
	case old:
		w.finish(t, false)
		return
	case w.Webhooks.Deleted(t.lane.key):
		w.finish(t, true)
		return
	}
	e := &t.event.event
	a := w.Sender.Attempt(hard, t.to.Target, delivery.Request{
		Event: e.Name, ID: e.ID, Seq: e.Seq, Data: e.Data, Published: e.Time, Number: 1,
	})
	fault.At(fault.Attempted)
	class := a.Outcome.Class()
	switch class {
	case delivery.Success:
		w.mu.Lock()
		t.lane.streak = 0
		w.settled(t, true)
		w.mu.Unlock()
		w.wg.Done()
		return
	case delivery.Unreachable, delivery.Ended:
		// Those behind it in the lane would meet the same.
		w.handOver(context.WithoutCancel(hard), func(l *lane) bool { return l == t.lane }, delivery.Slow)
	}
	w.mu.Lock()
	if class == delivery.Rejected {
		t.lane.streak++
	}
	streak := t.lane.streak
	w.mu.Unlock()
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
		if errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
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
		for t := l.oldest; t != nil; t = t.after {
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
	w.settled(t, kept)
	w.mu.Unlock()
	w.wg.Done()
}

// settled is finish under the lock.
func (w *Worker) settled(t *task, kept bool) {
	l := t.lane
	l.remove(t)
	if l.oldest == nil && l.streak == 0 {
		delete(w.lanes, l.key)
	} else if l.oldest == nil {
		l.leaving = false
	}
	if w.tasks--; w.tasks == fewer {
		signal(w.less)
	}
	w.settle(t.event, kept)
}

// settle counts one delivery of an event as dealt with, and has the event acknowledged after the last; under the lock.
func (w *Worker) settle(o *outstanding, kept bool) {
	o.left--
	o.failed = o.failed || !kept
	if o.left > 0 {
		return
	}
	w.drop(o)
	if !o.kept() {
		return
	}
	// For the same reason, what was skipped in an open range is not known to be done for good.
	if !o.skipped {
		w.done[o.event.Seq%uint64(len(w.done))] = o.event.Seq
	}
	w.toAck(o)
}

// forget drops an event that is given back or rejected.
func (w *Worker) forget(o *outstanding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(o)
}

// drop removes an event from those that are out; under the lock.
func (w *Worker) drop(o *outstanding) {
	delete(w.out, o.event.Seq)
	w.dealt++
	if len(w.out) == window-fetchSize {
		signal(w.less)
	}
}

// signal leaves a word for whoever waits, or will wait, on a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// toAck has an event acknowledged; under the lock. Those that end at about the same time are acknowledged by one
// goroutine, which does not have attempts wait for the connection.
func (w *Worker) toAck(o *outstanding) {
	if w.acks = append(w.acks, o); len(w.acks) == 1 {
		signal(w.acking)
	}
}

// hurried is brisk for those who do not hold the lock.
func (w *Worker) hurried() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.brisk()
}

// acknowledges acknowledges what is to be, until the context ends and nothing is left.
func (w *Worker) acknowledges(ctx context.Context) {
	var acks []*outstanding
	for {
		select {
		case <-w.acking:
		case <-ctx.Done():
		}
		if w.hurried() {
			select {
			case <-time.After(linger):
			case <-ctx.Done():
			}
		}
		w.mu.Lock()
		acks, w.acks = w.acks, acks[:0]
		w.mu.Unlock()
		for i, o := range acks {
			if err := o.msg.Ack(); err != nil {
				w.Log.Warn("acknowledge an event", zap.Uint64("seq", o.event.Seq), zap.Error(err))
			}
			acks[i], w.last = nil, o.msg
		}
		if len(acks) == 0 && ctx.Err() != nil {
			return
		}
	}
}
