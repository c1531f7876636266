package runner

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// witness has the feed begin with the event that tells whether an endpoint which failed as a whole takes events again. All
// others wait for what comes of it.
func (r *runner) witness(ctx context.Context) error {
	waits, spans := r.record.Witness(rand.Float64())
	for i := len(r.feed.spans) - 1; spans && i >= 0; i-- {
		drawn, err := r.draw(ctx, r.feed.spans[i])
		if err != nil {
			return err
		}
		if drawn.Seq != 0 {
			r.feed.first(drawn)
			return nil
		}
	}
	if waits.Seq == 0 {
		return nil
	}
	i := item{Position: waits, attempts: r.record.Attempts(waits), replay: r.record.WaitsForReplay(waits)}
	if n, retry := r.record.Retry(waits); retry {
		i.attempts = r.record.Retries[n].Attempts
	}
	r.feed.first(i)
	return nil
}

// draw draws an event that a span holds and that does not wait by itself; sequence 0 if it finds none.
func (r *runner) draw(ctx context.Context, span backlog.Span) (item, error) {
	bounds, err := r.Broker.Bounds(ctx)
	if err != nil {
		return item{}, err
	}
	cursor, end := span.Cursor, bounds.Next()
	if !span.To.Open() {
		end = min(end, span.To.Seq)
	}
	if cursor >= end {
		return item{}, nil
	}
	for _, from := range []uint64{cursor + rand.Uint64N(end-cursor), cursor} {
		events, err := r.Broker.Read(ctx, r.feed.subject, from, smallest)
		if err != nil {
			return item{}, err
		}
		var drawn item
		for _, e := range events {
			p := e.Position()
			switch unmet := e.Seq < end && p.Before(span.To) && event.Check(e.Data) == nil && !r.interest.LeavesOut(&e) && !r.feed.holds(p); {
			case unmet && drawn.Seq != 0:
				drawn.more = true
				return drawn, nil
			case unmet:
				drawn = item{Position: p, event: &e, replay: span.Replay != 0 || r.feed.replays(p), witness: true}
			}
		}
		if drawn.Seq != 0 {
			return drawn, nil
		}
	}
	return item{}, nil
}

// hope looks for what tells that an endpoint which is left in peace may take events, and returns what it makes of the record, nil for
// nothing: the live path, which still attempts what comes before the open range, saw it take one; or an event waits that it has
// not met.
func (r *runner) hope(ctx context.Context, w *registry.Webhook, b *backlog.Record) (news func(*backlog.Record), err error) {
	if !b.Hopes() {
		return nil, nil
	}
	now := r.Broker.Now()
	taken, err := r.Sender.SucceededSince(ctx, r.key, b.Vouching(now))
	if err != nil {
		return nil, err
	}
	if taken {
		vouched := b.Vouched(now)
		return func(b *backlog.Record) { b.Take(vouched, &r.Rules) }, nil
	}
	unmet, err := r.unmet(ctx, w, b)
	if err != nil || !unmet {
		return nil, err
	}
	return (*backlog.Record).Meet, nil
}

// unmet says whether the open span has an event which does not wait by itself: among the first, or after all that do.
func (r *runner) unmet(ctx context.Context, w *registry.Webhook, b *backlog.Record) (bool, error) {
	span, open := b.OpenSpan()
	if !open {
		return false, nil
	}
	after := span.Cursor
	for p := range b.Waiting() {
		after = max(after, p.Seq+1)
	}
	for _, d := range b.Done {
		after = max(after, d.Seq+1)
	}
	interest, err := w.Interest()
	if err != nil {
		return false, err
	}
	subject := event.Subject(w.Account, w.Event)
	events, err := r.Broker.Read(ctx, subject, after, smallest)
	beyond := slices.ContainsFunc(events, func(e event.Event) bool { return !interest.LeavesOut(&e) })
	if err != nil || beyond || after == span.Cursor {
		return beyond, err
	}
	events, err = r.Broker.Read(ctx, subject, span.Cursor, smallest)
	return slices.ContainsFunc(events, func(e event.Event) bool {
		return b.Spanned(e.Position()) && !waits(b, e.Position()) && !interest.LeavesOut(&e)
	}), err
}

// waits says whether an event waits by itself.
func waits(b *backlog.Record, p event.Position) bool {
	pending, retry := b.Waits(p)
	return pending || retry
}

// first has the feed begin with an item, and nothing else before that has landed.
func (f *feed) first(i item) {
	f.due = slices.DeleteFunc(f.due, func(d item) bool { return d.Position == i.Position })
	f.due = slices.Insert(f.due, 0, i)
	f.held[i.Seq], f.only = i.Position, true
}

// holds says whether an event waits in the record, or is done with before its span comes to it.
func (f *feed) holds(p event.Position) bool {
	held, waits := f.held[p.Seq]
	return waits && (held.Time.IsZero() || held.Is(p))
}

// vouch asks the attempt log whether the endpoint took events while it seemed to fail. Then it is well.
func (r *runner) vouch(ctx context.Context) error {
	now := r.Broker.Now()
	taken, err := r.Sender.SucceededSince(ctx, r.key, r.record.Vouching(now))
	if err == nil && taken {
		r.takeIn(r.record.Vouched(now))
	}
	return err
}
