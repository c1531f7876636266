package replay

import (
	"cmp"
	"context"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/registry"
)

// take deals with what came of an attempt.
func (r *runner) take(ctx context.Context, res result) error {
	fault.At(fault.Retried)
	a := res.attempt
	r.feed.landed(a.Seq)
	switch {
	case res.missing:
		r.log.Warn("an event of the backlog is no longer in the stream", zap.Uint64("seq", a.Seq))
		r.changes.settled(a.Seq)
		return nil
	case res.err != nil:
		return res.err
	}
	switch a.Outcome.Class() {
	case delivery.Success:
		r.window, r.proven = min(r.window+1, r.limit), true
		r.record.Streak = 0
		r.changes.succeeded(a)
		if r.fresh++; r.fresh >= unsaved {
			return r.save(ctx, false)
		}
	case delivery.Rejected:
		return r.rejected(ctx, a)
	case delivery.Unreachable, delivery.Ended:
		r.changes.held(a)
		r.changes.gone = r.changes.gone || a.Outcome == delivery.Gone
		r.fail(a)
	case delivery.Cut:
		r.changes.cut(a)
		r.stopped = true
	}
	return nil
}

// fail ends the pass because of the endpoint. What is under way at once fails once: the first failure counts.
func (r *runner) fail(a delivery.Attempt) {
	if !r.failed {
		r.changes.failed(a)
	}
	r.stopped, r.failed, r.window = true, true, 1
}

// rejected deals with an event that the endpoint did not want: it backs off by itself, and is given up after its last
// attempt. Many different ones in a row mean that the endpoint as a whole fails.
func (r *runner) rejected(ctx context.Context, a delivery.Attempt) error {
	i, again := r.record.retry(a.Seq)
	if again && a.Number >= r.Policy.Attempts && a.At.Sub(r.record.Retries[i].Since) >= r.Policy.After {
		return r.exhausted(ctx, a, r.record.Retries[i])
	}
	r.rejection = &a
	r.changes.rejected(a, r.Backoff)
	r.stopped = r.stopped || r.record.Ordered // what follows waits for it
	if !again && r.record.full() {
		r.fail(a)
		return nil
	}
	if _, open := r.record.open(); again || !open {
		return nil
	}
	r.record.Streak++
	r.changes.streak = &r.record.Streak
	if r.record.Streak >= streakFails {
		r.fail(a)
	}
	return nil
}

// exhausted gives an event up, if others were taken since its first attempt; if none was, the webhook is judged.
func (r *runner) exhausted(ctx context.Context, a delivery.Attempt, retry Retry) error {
	retry.Attempts, retry.Error = a.Number, a.Error
	taken, err := r.Sender.SucceededSince(ctx, r.key, retry.Since)
	if err != nil {
		return err
	}
	// In order nothing can be taken meanwhile. What was taken right before it tells as much.
	taken = taken || r.record.Ordered && r.record.Streak < 2
	if !taken && r.Mode != Off {
		r.changes.rejected(a, r.Backoff)
		r.changes.unbroken(retry)
		r.fail(a)
		return nil
	}
	r.changes.givenUp(retry)
	r.log.Warn("an event is given up", zap.Uint64("seq", a.Seq), zap.Int("attempts", retry.Attempts))
	return nil
}

// decide judges the webhook after a failure, with its future events off the live path.
func (r *runner) decide(ctx context.Context) error {
	if r.record.Want {
		if err := r.openSpan(ctx); err != nil {
			return err
		}
	}
	v := judge(r.Mode, r.record.Gone, r.record.Health.Spent(r.Policy, r.Broker.Now()), r.Sender.Outage())
	switch v {
	case observe:
		r.log.Warn("the webhook would be deactivated, were --deactivate not observe",
			zap.Time("failing_since", r.record.Health.Since), zap.Int("attempts", r.record.Health.Attempts))
	case blameUs:
		r.log.Warn("the webhook is not deactivated: most endpoints cannot be reached, so the fault may be ours",
			zap.Time("failing_since", r.record.Health.Since), zap.Int("attempts", r.record.Health.Attempts))
	case deactivate:
		w, err := r.Registry.Update(ctx, r.key, func(w *registry.Webhook) error {
			w.Active, w.Deactivated, w.Reason = false, r.Broker.Now(), reason(r.record.Gone, r.record.Health)
			return nil
		})
		if err != nil {
			return err
		}
		r.webhook = w
		fault.At(fault.Deactivated)
		r.log.Warn("the webhook is deactivated", zap.Object("record", &w), zap.String("reason", w.Reason))
		return r.park(ctx)
	}
	if !r.record.Gone {
		return nil
	}
	return r.update(ctx, func(b *Backlog) error { b.Gone = false; return nil })
}

// park sees to what an inactive webhook still needs: that its future events wait in a span, and that people are told.
func (r *runner) park(ctx context.Context) error {
	if _, open := r.record.open(); !open {
		if err := r.openSpan(ctx); err != nil {
			return err
		}
	}
	at := r.webhook.Deactivated
	if !r.record.Noticed.Equal(at) {
		if err := r.tell(ctx); err != nil {
			return err
		}
		if err := r.notify(ctx, registry.News{
			Kind: registry.NewsDeactivated, At: at, Since: r.record.Health.Since, Reason: r.webhook.Reason,
		}); err != nil {
			return err
		}
	} else if r.record.Parked && !r.record.Want && !r.record.Gone {
		return nil
	}
	return r.update(ctx, func(b *Backlog) error {
		if !b.Noticed.Equal(at) {
			b.Noticed, b.Failing, b.Probe = at, cmp.Or(b.Health.Since, at), Probe{Next: at}
		}
		b.Parked, b.Want, b.Gone = true, false, false
		return nil
	})
}
