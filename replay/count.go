package replay

import (
	"context"
	"slices"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Count is the exact number of events that a webhook's backlog holds and that the stream still has.
func Count(ctx context.Context, b *broker.Broker, w registry.Webhook, r *backlog.Record) (uint64, error) {
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return 0, err
	}
	return newCounter(b, w, moment{bounds: bounds}).count(ctx, r, event.End{})
}

// counter counts the events of a webhook that the stream has, for one answer: as of a moment that was asked before, and
// with no question asked twice.
type counter struct {
	broker   *broker.Broker
	subjects []string
	moment
	// from is how many events there are from a sequence on.
	from map[uint64]uint64
}

func newCounter(b *broker.Broker, w registry.Webhook, now moment) *counter {
	return &counter{b, w.Subjects(), now, map[uint64]uint64{}}
}

// count is the number of events that a record holds before an end. What a span has too is counted there.
func (c *counter) count(ctx context.Context, r *backlog.Record, below event.End) (uint64, error) {
	n := uint64(0)
	for p := range r.Waiting() {
		if p.Seq >= c.bounds.First && p.Before(below) && !r.Spanned(p) {
			n++
		}
	}
	for _, s := range r.Spans {
		in, err := c.span(ctx, s, below)
		if err != nil {
			return 0, err
		}
		n += in
	}
	return n, nil
}

// span is the number of events that a span holds before an end.
func (c *counter) span(ctx context.Context, s backlog.Span, below event.End) (uint64, error) {
	to := s.To.Seq
	if to == 0 || !below.Open() && below.Seq < to {
		to = below.Seq
	}
	return c.between(ctx, s.Cursor, to)
}

// between is the number of events in [from, to); to 0 means to the end.
func (c *counter) between(ctx context.Context, from, to uint64) (uint64, error) {
	n, err := c.since(ctx, from)
	if err != nil || n == 0 || to == 0 {
		return n, err
	}
	beyond, err := c.since(ctx, max(from, to))
	return n - min(n, beyond), err
}

// beside is the number of events in [from, to) that a record does not hold; to 0 means to the end. What two spans have is
// taken off twice, and so is too low, but then the record holds some.
func (c *counter) beside(ctx context.Context, r *backlog.Record, from, to uint64) (uint64, error) {
	n, err := c.between(ctx, from, to)
	if err != nil || n == 0 {
		return 0, err
	}
	for p := range r.Waiting() {
		if p.Seq >= from && (to == 0 || p.Seq < to) && !r.Spanned(p) && n > 0 {
			n--
		}
	}
	for _, s := range r.Spans {
		low, high := max(from, s.Cursor), s.To.Seq
		if high == 0 || to != 0 && to < high {
			high = to
		}
		if high != 0 && high <= low {
			continue
		}
		held, err := c.between(ctx, low, high)
		if err != nil {
			return 0, err
		}
		n -= min(n, held)
	}
	return n, nil
}

// since is the number of events from a sequence on.
func (c *counter) since(ctx context.Context, seq uint64) (uint64, error) {
	if seq > c.bounds.Last.Seq {
		return 0, nil
	}
	if n, asked := c.from[seq]; asked {
		return n, nil
	}
	n := uint64(0)
	for _, subject := range c.subjects {
		more, err := c.broker.CountFrom(ctx, subject, seq)
		if err != nil {
			return 0, err
		}
		n += more
	}
	c.from[seq] = n
	return n, nil
}

// replaying is the number of events that a record has still to send as a replay.
func (c *counter) replaying(ctx context.Context, r *backlog.Record) (uint64, error) {
	n := uint64(0)
	for p := range r.Waiting() {
		// What a span sends as a replay too is counted there.
		spanned := slices.ContainsFunc(r.Spans, func(s backlog.Span) bool { return s.Holds(p) && (s.Replay != 0 || r.Replays(p)) })
		if p.Seq >= c.bounds.First && r.WaitsForReplay(p) && !spanned {
			n++
		}
	}
	for _, s := range r.Spans {
		below := r.Replay
		switch {
		case s.Replay != 0:
			below = event.End{}
		case r.Replay.Open() || s.Cursor >= r.Replay.Seq:
			continue
		}
		in, err := c.span(ctx, s, below)
		if err != nil {
			return 0, err
		}
		n += in
	}
	return n, nil
}
