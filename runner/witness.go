package runner

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
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
		for _, e := range events {
			if p := e.Position(); e.Seq < end && p.Before(span.To) && event.Check(e.Data) == nil && !r.feed.holds(p) {
				return item{Position: p, event: &e, replay: span.Replay != 0 || r.feed.replays(p), witness: true}, nil
			}
		}
	}
	return item{}, nil
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
