package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/record"
)

// covering bounds how long a hand-over is tried; the event comes again after it.
const covering = time.Minute

// untilAnswered is how long to wait before a look-up or a hand-over that failed is tried again.
var untilAnswered = lifetime.Waits{First: 50 * time.Millisecond, Longest: 2 * time.Second}

// attempt delivers, once.
func (l *lanes) attempt(hard context.Context, t *task) {
	l.mu.Lock()
	now := time.Now()
	begun, lapsed := t.begun, l.inflight.lapsedLocked(t.event, now)
	if !begun {
		t.begun, t.began = true, now
	}
	l.mu.Unlock()
	switch {
	case begun:
		return // the backlog has it
	case lapsed:
		l.done(false, t)
		return
	case l.options.Webhooks.Deleted(t.lane.key):
		l.done(true, t)
		return
	}
	e := &t.event.event
	a := l.options.Sender.Attempt(hard, t.to.Target, delivery.Request{
		Event: e.Name, ID: e.ID, Seq: e.Seq, Data: e.Data, Published: e.Time, Number: 1, Hops: e.Hops,
	})
	fault.At(fault.Attempted)
	class, streak := a.Outcome.Class(), 0
	l.mu.Lock()
	switch class {
	case delivery.Success:
		t.lane.took(time.Now())
		l.doneLocked(t, true)
		l.mu.Unlock()
		if _, open := t.to.Webhook.Opened(); open {
			l.wakes.pass(context.WithoutCancel(hard), t.to)
		}
		l.wg.Done()
		return
	case delivery.Rejected:
		t.lane.streak++
		streak = t.lane.streak
	case delivery.Unreachable:
		streak = t.lane.fail(time.Now())
	}
	l.mu.Unlock()
	if class == delivery.Ended || class == delivery.Unreachable && streak > 1 {
		// Those behind it in the lane would meet the same.
		l.handOver(context.WithoutCancel(hard), delivery.Slow, t.lane)
	}
	l.cover(context.WithoutCancel(hard), []*task{t}, []delivery.Attempt{a}, streak)
}

// passed is what stands for an attempt where none was made.
func (l *lanes) passed(t *task, outcome delivery.Outcome) delivery.Attempt {
	e := &t.event.event
	return delivery.Attempt{
		Seq: e.Seq, ID: e.ID, Published: e.Time, At: l.options.Now(), Outcome: outcome,
		Error: "the webhook did not keep up with its events",
	}
}

// cover hands events of one lane over to its webhook's backlog, each by what stands for its attempt, and tries again while
// that fails.
func (l *lanes) cover(ctx context.Context, tasks []*task, attempts []delivery.Attempt, streak int) {
	if tasks, attempts = l.ours(tasks, attempts); len(tasks) == 0 {
		return
	}
	key := tasks[0].lane.key
	ctx, cancel := context.WithTimeout(ctx, covering)
	defer cancel()
	err := lifetime.Retry(ctx, untilAnswered, func() error {
		return l.options.Cover.Cover(ctx, key, attempts, streak)
	}, func(err error) {
		if errors.Is(err, broker.ErrClosed) {
			cancel() // the process ends, and the events come again
		}
		say := func() {
			l.options.Log.Warn("events were not handed over to their backlog, and that is tried again", zap.String("webhook", key),
				zap.Uint64("seq", attempts[0].Seq), zap.Error(err))
		}
		// A record that nobody here can change is met by every event of the webhook.
		if errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
			l.unwritable.Do(say)
		} else {
			say()
		}
	})
	fault.At(fault.HandedOff)
	l.done(err == nil, tasks...)
}

// ours are the tasks whose events are still this process's; the others are done here, and come again.
func (l *lanes) ours(tasks []*task, attempts []delivery.Attempt) ([]*task, []delivery.Attempt) {
	now := time.Now()
	var lapsed []*task
	l.mu.Lock()
	if slices.ContainsFunc(tasks, func(t *task) bool { return l.inflight.lapsedLocked(t.event, now) }) {
		all, of := tasks, attempts
		tasks, attempts = nil, nil
		for i, t := range all {
			if l.inflight.lapsedLocked(t.event, now) {
				lapsed = append(lapsed, t)
			} else {
				tasks, attempts = append(tasks, t), append(attempts, of[i])
			}
		}
	}
	l.mu.Unlock()
	l.done(false, lapsed...)
	return tasks, attempts
}

// report says why a webhook is to leave the live path where no event says it. If that fails, nothing is lost: the next look
// or failure says it again.
func (l *lanes) report(ctx context.Context, key string, outcome delivery.Outcome) {
	ctx, cancel := context.WithTimeout(ctx, covering)
	defer cancel()
	if err := l.options.Cover.Cover(ctx, key, []delivery.Attempt{{Outcome: outcome}}, 0); err != nil {
		l.options.Log.Warn("a webhook was not taken off the live path", zap.String("webhook", key), zap.Error(err))
	}
}
