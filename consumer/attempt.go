package consumer

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

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
		l.done(t, false)
		return
	case l.options.Webhooks.Deleted(t.lane.key):
		l.done(t, true)
		return
	}
	e := &t.event.event
	a := l.options.Sender.Attempt(hard, t.to.Target, delivery.Request{
		Event: e.Name, ID: e.ID, Seq: e.Seq, Data: e.Data, Published: e.Time, Number: 1, Hops: e.Hops,
	})
	fault.At(fault.Attempted)
	class := a.Outcome.Class()
	switch class {
	case delivery.Success:
		l.mu.Lock()
		t.lane.streak = 0
		l.doneLocked(t, true)
		l.mu.Unlock()
		l.wg.Done()
		return
	case delivery.Unreachable, delivery.Ended:
		// Those behind it in the lane would meet the same.
		l.handOver(context.WithoutCancel(hard), delivery.Slow, t.lane)
	}
	l.mu.Lock()
	if class == delivery.Rejected {
		t.lane.streak++
	}
	streak := t.lane.streak
	l.mu.Unlock()
	l.cover(context.WithoutCancel(hard), t, a, streak)
}

// passed is what stands for an attempt where none was made.
func (l *lanes) passed(t *task, outcome delivery.Outcome) delivery.Attempt {
	e := &t.event.event
	return delivery.Attempt{
		Seq: e.Seq, ID: e.ID, Published: e.Time, At: l.options.Now(), Outcome: outcome,
		Error: "the webhook did not keep up with its events",
	}
}

// cover hands an event over to its webhook's backlog, and tries again while that fails.
func (l *lanes) cover(ctx context.Context, t *task, a delivery.Attempt, streak int) {
	if l.inflight.lapsed(t.event) {
		l.done(t, false)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, covering)
	defer cancel()
	err := lifetime.Retry(ctx, untilAnswered, func() error {
		return l.options.Cover.Cover(ctx, t.lane.key, a, streak)
	}, func(err error) {
		say := func() {
			l.options.Log.Warn("an event was not handed over to its backlog, and is tried again", zap.String("webhook", t.lane.key), zap.Uint64("seq", a.Seq), zap.Error(err))
		}
		// A record that nobody here can change is met by every event of the webhook.
		if errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
			l.unwritable.Do(say)
		} else {
			say()
		}
	})
	fault.At(fault.HandedOff)
	l.done(t, err == nil)
}

// report says that a webhook is slow even where nothing waits behind the attempts in flight. If that fails, nothing is
// lost: the next look or failure says it again.
func (l *lanes) report(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, covering)
	defer cancel()
	if err := l.options.Cover.Cover(ctx, key, delivery.Attempt{Outcome: delivery.Slow}, 0); err != nil {
		l.options.Log.Warn("a slow webhook was not taken off the live path", zap.String("webhook", key), zap.Error(err))
	}
}
