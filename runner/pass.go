package runner

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
)

const (
	// margin is how long before the end of the lease no attempt is begun any more.
	margin = 2 * time.Second
	// checkpoint is the longest time for which progress is kept only in memory, unsaved how many deliveries of it: these,
	// and those under way, may a crash repeat.
	checkpoint = 200 * time.Millisecond
	unsaved    = 256
	// renewal is how often the lease is renewed without progress.
	renewal = 3 * time.Second
	// conflicts bounds the rounds of a compare-and-set.
	conflicts = 100
)

// begin takes the lease, and then brings record and webhook into line: what is read before may be older than what the last
// runner wrote. It returns errHeld, or record.ErrNotFound if there is nothing to work off.
func (r *runner) begin(ctx context.Context) error {
	r.tries, r.probes, r.stopped, r.proven, r.feed = nil, nil, false, false, feed{}
	err := r.acquire(ctx)
	if err != nil {
		return err
	}
	fault.At(fault.LeaseTaken)
	if r.webhook, err = r.Registry.Get(ctx, r.key); errors.Is(err, record.ErrNotFound) {
		return errors.Join(r.store.Remove(ctx, r.key), r.Broker.Forget(ctx, r.key), err)
	} else if err != nil {
		return err
	}
	if r.target, err = r.Registry.Target(r.webhook); err != nil {
		return err
	}
	if r.interest, err = r.webhook.Interest(); err != nil {
		return err
	}
	if r.limit = r.target.MaxInFlight; r.limit == 0 {
		r.limit = r.MaxInFlight
	}
	r.results = make(chan result, r.limit)
	if err := r.order(ctx); err != nil {
		return err
	}
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	return r.follow(ctx)
}

// acquire takes the lease of the record. There may be none though a range of the webhook is open: it was lost. It returns
// errQuiet if nothing is to be done yet.
func (r *runner) acquire(ctx context.Context) error {
	lease := func(b *backlog.Record) error {
		if !b.Lease.Acquire(r.Owner, r.Broker.Now()) {
			return errHeld
		}
		return nil
	}
	b, revision, err := r.store.Update(ctx, r.key, func(b *backlog.Record) error {
		if step, _ := b.Next(r.Broker.Now()); step == backlog.Wait && b.Lease.Owner == "" {
			return errQuiet
		}
		return lease(b)
	})
	if errors.Is(err, errQuiet) {
		news, lookErr := r.quiet(ctx, &b)
		if lookErr != nil {
			return lookErr
		}
		if news == nil {
			r.record = b
			return errQuiet
		}
		b, revision, err = r.store.Update(ctx, r.key, func(b *backlog.Record) error {
			news(b)
			return lease(b)
		})
	}
	if errors.Is(err, record.ErrNotFound) {
		w, missing := r.Registry.Get(ctx, r.key)
		if missing != nil {
			return missing
		}
		known, open := w.Opened()
		if !open {
			return err
		}
		b, revision, err = r.store.Upsert(ctx, r.key, func(b *backlog.Record) error {
			if _, open := b.OpenSpan(); !open {
				b.Restore(known.ID, known.From, event.Position{})
			}
			return lease(b)
		})
	}
	if err != nil {
		return err
	}
	r.written(b, revision)
	return nil
}

// quiet looks at a webhook whose record has nothing to be done yet, and returns what that makes of the record: nil if the webhook
// is as the record has it, and nothing came up.
func (r *runner) quiet(ctx context.Context, b *backlog.Record) (news func(*backlog.Record), err error) {
	nothing := func(*backlog.Record) {}
	w, err := r.Registry.Get(ctx, r.key)
	if errors.Is(err, record.ErrNotFound) {
		return nothing, nil
	}
	if err != nil {
		return nil, err
	}
	span, spanned := b.OpenSpan()
	known, open := w.Opened()
	activated := w.Activation != nil && w.Activation.At.After(b.Follows)
	parked := b.State == backlog.Parked
	if spanned != open || span.ID != known.ID || w.Settings.Ordered != b.Ordered || parked == w.Active || activated ||
		parked && !b.Follows.Equal(w.Deactivated) {
		return nothing, nil
	}
	return r.hope(ctx, &w, b)
}

// follow has the record follow what became of the webhook: a deactivation or an activation that it does not know. What the
// record followed later is newer than the webhook's record, which went back, and stays.
func (r *runner) follow(ctx context.Context) error {
	w := &r.webhook
	switch a := w.Activation; {
	case !w.Active:
		if r.record.State == backlog.Parked && r.record.Follows.Equal(w.Deactivated) {
			return nil
		}
		if _, open := r.record.OpenSpan(); !open {
			if err := r.openSpan(ctx); err != nil {
				return err
			}
		}
		return r.update(ctx, func(b *backlog.Record) { b.Deactivate(w.Deactivated, w.Reason) })
	case a != nil && a.At.After(r.record.Follows):
		return r.update(ctx, func(b *backlog.Record) { b.Activate(*a) })
	case r.record.State == backlog.Parked:
		r.log.Warn("the webhook is active though its backlog followed a deactivation: its record went back")
		now := r.Broker.Now()
		return r.update(ctx, func(b *backlog.Record) { b.Resume(now) })
	}
	return nil
}

// update changes the record while the lease is ours: errHeld if it is not, record.ErrNotFound if it is gone, errBack if it
// went back. What was attempted since the last write goes with it; where somebody else has changed the record, it is taken
// in again.
func (r *runner) update(ctx context.Context, change func(*backlog.Record)) error {
	if r.removed {
		return record.ErrNotFound
	}
	for range conflicts {
		if err := r.current(ctx); err != nil {
			return err
		}
		if !r.record.Lease.Renew(r.Owner, r.Broker.Now()) {
			return errHeld
		}
		r.record.Advance(r.feed.positions())
		change(&r.record)
		r.record.Watch(&r.Rules)
		revision, err := r.store.Write(ctx, r.key, &r.record, r.revision)
		if err == nil {
			r.written(r.record, revision)
			return nil
		}
		r.stale = true
		if !errors.Is(err, record.ErrConflict) {
			return err
		}
	}
	return record.ErrConflict
}

// current reads a stale record again and takes in again what came since it was last written. Spans are moved only by whoever
// has the lease: if one that is being worked off is gone, or behind, the record went back. Then the feed is not what it has to
// work off, and errBack is returned, once.
func (r *runner) current(ctx context.Context) error {
	if !r.stale {
		return nil
	}
	b, revision, err := r.store.Load(ctx, r.key)
	if errors.Is(err, record.ErrNotFound) && !r.lapsed() {
		// Who has the lease removes the record, or whoever removes the webhook: the bucket lost it.
		if _, err = r.Registry.Get(ctx, r.key); err == nil {
			r.log.Warn("the backlog's record is gone, and is written again")
			r.revision, r.stale = 0, false
		}
		return err
	}
	if err != nil {
		return err
	}
	if r.feed.working() && slices.ContainsFunc(r.kept, func(s backlog.Span) bool { return !goesOn(s, b.Spans) }) {
		r.kept, r.feed.spans = nil, nil
		return errBack
	}
	for _, t := range r.tries {
		b.Take(t, &r.Rules)
	}
	for _, probed := range r.probes {
		probed(&b)
	}
	r.feed.hold(&b)
	r.record, r.revision, r.stale = b, revision, false
	return nil
}

// goesOn says whether spans have one as far as it had come.
func goesOn(s backlog.Span, spans []backlog.Span) bool {
	return slices.ContainsFunc(spans, func(other backlog.Span) bool { return other.Same(s) && other.Cursor >= s.Cursor })
}

// written notes what the bucket holds.
func (r *runner) written(b backlog.Record, revision uint64) {
	r.record, r.revision, r.stale, r.tries, r.probes, r.saved, r.fresh = b, revision, false, nil, nil, time.Now(), 0
	r.removed = b.Empty()
	r.kept = slices.Clone(b.Spans)
	r.until.Store(b.Lease.Until.UnixNano())
}

// save is the checkpoint: it writes what has changed, and renews the lease now and then, or at once if forced.
func (r *runner) save(ctx context.Context, force bool) error {
	if !force && len(r.tries) == 0 && !r.record.Ahead(r.feed.positions()) && time.Since(r.saved) < renewal {
		return nil
	}
	if err := r.update(ctx, func(*backlog.Record) {}); err != nil {
		return err
	}
	fault.At(fault.Checkpointed)
	if r.record.State == backlog.Leaving {
		return r.openSpan(ctx)
	}
	return nil
}

// settle writes what came of the work, before anything else is made of the record.
func (r *runner) settle(ctx context.Context) error {
	if err := r.save(ctx, true); err != nil {
		return err
	}
	// What others make of the spans from here on is not the feed's.
	r.feed = feed{blocked: r.feed.waits()}
	return nil
}

// end gives the lease back and sees to the next wake, unless there is more to do at once: then errMore.
func (r *runner) end(ctx, lasting context.Context) error {
	fault.At(fault.Worked)
	if r.removed {
		r.log.Debug("the backlog is worked off")
		return nil
	}
	more := false
	err := r.update(lasting, func(b *backlog.Record) {
		at, never := b.Wake()
		if more = ctx.Err() == nil && !never && !b.Empty() && !at.After(r.Broker.Now()) && !r.feed.waits(); !more {
			b.Lease.Release(r.Owner)
		}
	})
	switch {
	case errors.Is(err, errHeld), errors.Is(err, record.ErrNotFound):
		return nil
	case err != nil:
		return r.abandon(lasting, err)
	case more:
		return errMore
	case r.removed:
		return nil
	case r.record.Ordered:
		return r.rest(lasting)
	}
	return r.store.Wake(lasting, r.key, &r.record)
}

// abandon ends a pass that cannot go on, for a reason of our own. It waits for the attempts in flight, since what was sent
// is not to be sent again, and gives the lease back for a new try in a second.
func (r *runner) abandon(ctx context.Context, cause error) error {
	for r.feed.flying() > 0 {
		select {
		case res := <-r.results:
			r.feed.landed(res.number)
			if res.err != nil || !res.try.Missing && res.try.Outcome != delivery.Delivered {
				res.try.Outcome = delivery.Aborted
			}
			r.takeIn(res.try)
		case <-ctx.Done():
			return errors.Join(cause, context.Cause(ctx))
		}
	}
	release := func(b *backlog.Record) { b.Lease.Release(r.Owner) }
	err := r.update(ctx, release)
	if errors.Is(err, errBack) {
		err = r.update(ctx, release)
	}
	if errors.Is(cause, errHeld) || errors.Is(cause, record.ErrNotFound) || errors.Is(err, record.ErrNotFound) {
		return nil // somebody else's now, or nobody's
	}
	return errors.Join(cause, err, r.Broker.WakeAt(ctx, r.key, r.Broker.Now().Add(time.Second)))
}

// takeIn takes an attempt into the record, and keeps it until the record is written.
func (r *runner) takeIn(t backlog.Try) backlog.Effect {
	t.Draw = rand.Float64()
	r.tries = append(r.tries, t)
	return r.record.Take(t, &r.Rules)
}
