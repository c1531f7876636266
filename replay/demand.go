package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Errors of what people ask of a backlog; match them with errors.Is.
var (
	// ErrInactive is returned where only an active webhook can be sent anything.
	ErrInactive = errors.New("the webhook is inactive: activate it first")
	// ErrForeign is returned for an event that is not of the webhook's account and kind.
	ErrForeign = errors.New("the event is not one of those that the webhook gets")
	// ErrDropped is returned for an event that the stream does not hold: it never did, or the retention has dropped it.
	ErrDropped = errors.New("the event is not kept (any more)")
	// ErrOnTheWay is returned for an event that is about to be sent in any case.
	ErrOnTheWay = errors.New("the event is on its way already")
	// ErrCrowded is returned where so many replays are unfinished that another cannot be written down.
	ErrCrowded = errors.New("too many replays are unfinished: wait for them")
)

// maxSpans bounds the spans of a record.
const maxSpans = 64

// mark remembers that an event which goes on waiting is sent as a replay.
func (b *Backlog) mark(a delivery.Attempt) {
	if a.Replay && a.Seq >= b.Replay {
		b.Again.add(a.Seq, 0)
	}
}

// again says whether a waiting event was marked.
func (b *Backlog) again(seq uint64) bool {
	_, found := b.Again.find(seq)
	return found
}

// redeliver has an event attempted as soon as may be, as a replay; the endpoint is not left alone for longer.
func (b *Backlog) redeliver(seq uint64) error {
	if slices.ContainsFunc(b.Spans, func(s Span) bool { return s.holds(seq) }) {
		return ErrOnTheWay
	}
	if i, found := b.retry(seq); found {
		b.Retries[i].Next = time.Time{}
	} else {
		b.Pending.add(seq, 0)
	}
	if seq >= b.Replay {
		b.Again.add(seq, 0)
	}
	b.Next = time.Time{}
	return nil
}

// replay adds what of [from, to) no span has to work off already, as closed spans of the replay of that name. The spans
// stay ascending, without an overlap, and an open one last.
func (b *Backlog) replay(name int64, from, to uint64) error {
	var added []Span
	for _, s := range b.Spans {
		if from >= to {
			break
		}
		if s.Next > from {
			added = append(added, Span{Next: from, To: min(to, s.Next), Replay: name})
		}
		from = max(from, orEnd(s.To))
	}
	if from < to {
		added = append(added, Span{Next: from, To: to, Replay: name})
	}
	if len(b.Spans)+len(added) > maxSpans {
		return ErrCrowded
	}
	b.Spans = append(b.Spans, added...)
	slices.SortStableFunc(b.Spans, func(a, b Span) int { return cmp.Compare(orEnd(a.To), orEnd(b.To)) })
	return nil
}

// Redeliver has an event sent again to an active webhook, through its backlog and marked as a replay; it need not have
// failed. It returns record.ErrNotFound, ErrInactive, ErrForeign, ErrDropped or ErrOnTheWay.
func (m *Backlogs) Redeliver(ctx context.Context, key string, seq uint64) error {
	w, err := m.registry.Get(ctx, key)
	if err != nil {
		return err
	}
	if !w.Active {
		return ErrInactive
	}
	e, err := m.broker.Event(ctx, seq)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return ErrDropped
	case err != nil:
		return err
	case e.Account != w.Account || e.Name != w.Event:
		return ErrForeign
	}
	position, err := m.broker.Progress(ctx)
	if err != nil {
		return err
	}
	if seq > position.HandedOut {
		return ErrOnTheWay
	}
	if _, err := m.store.update(ctx, key, may, func(b *Backlog) error { return b.redeliver(seq) }); err != nil {
		return err
	}
	return m.broker.Wake(ctx, key)
}

// Replayed is what a replay on demand comes to.
type Replayed struct {
	// Events is how many of the period are sent. Those that the backlog holds already are sent anyway, and not counted.
	Events uint64
	// Kept is when the oldest event was published that the stream holds, if the period begins before it and something
	// was dropped; else zero. What the period had before is gone; how many these were is not known any more.
	Kept time.Time
}

// Replay sends the events that were published in [from, to), by the stream's time stamps, to an active webhook once
// more, marked as a replay, whether they were taken or not; also those from before the webhook was made. What the live
// path has not come to is left to it. It returns record.ErrNotFound, ErrInactive or ErrCrowded.
func (m *Backlogs) Replay(ctx context.Context, key string, from, to time.Time) (Replayed, error) {
	w, err := m.registry.Get(ctx, key)
	if err != nil {
		return Replayed{}, err
	}
	if !w.Active {
		return Replayed{}, ErrInactive
	}
	low, high, kept, err := m.period(ctx, from, to)
	if err != nil {
		return Replayed{}, err
	}
	done := Replayed{Kept: kept}
	subject := event.Subject(w.Account, w.Event)
	if n, err := m.broker.Count(ctx, subject, low, high); err != nil || n == 0 || low >= high {
		return done, err
	}
	at := m.broker.Now()
	var spans []Span
	b, err := m.store.update(ctx, key, may, func(b *Backlog) error {
		if err := b.replay(at.UnixNano(), low, high); err != nil {
			return err
		}
		spans = slices.DeleteFunc(slices.Clone(b.Spans), func(s Span) bool { return s.Replay != at.UnixNano() })
		return nil
	})
	if err != nil {
		return done, err
	}
	for _, s := range spans {
		n, err := m.broker.Count(ctx, subject, s.Next, s.To)
		if err != nil {
			return done, err
		}
		done.Events += n
	}
	if _, _, err := m.started(ctx, w, b, at); err != nil {
		return done, err
	}
	return done, m.broker.Wake(ctx, key)
}

// period is the part [low, high) of the stream that was published in [from, to) and that the live path is past. Kept is
// as in Replayed.
func (m *Backlogs) period(ctx context.Context, from, to time.Time) (low, high uint64, kept time.Time, err error) {
	// The position first: what is published later is the live path's.
	position, err := m.broker.Progress(ctx)
	if err != nil {
		return 0, 0, kept, err
	}
	bounds, err := m.broker.Bounds(ctx)
	if err != nil {
		return 0, 0, kept, err
	}
	if low, err = m.broker.SequenceAt(ctx, from); err != nil {
		return 0, 0, kept, err
	}
	if high, err = m.broker.SequenceAt(ctx, to); err != nil {
		return 0, 0, kept, err
	}
	high = min(high, position.HandedOut+1)
	if bounds.First > 1 && low <= bounds.First {
		oldest, err := m.broker.Event(ctx, bounds.First)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return 0, 0, kept, err
		}
		if oldest.Time.After(from) {
			kept = oldest.Time
		}
	}
	return low, high, kept, nil
}

// started notes in the webhook's record with how many events a replay begins, and returns them: progress is told from it.
// A crash before it costs the progress, not the replay.
func (m *Backlogs) started(ctx context.Context, w registry.Webhook, b Backlog, at time.Time) (registry.Webhook, uint64, error) {
	n, err := m.replaying(ctx, w, b)
	if err != nil {
		return w, 0, err
	}
	updated, err := m.registry.Update(ctx, w.Key(), func(w *registry.Webhook) error {
		w.Replay = &registry.Replay{At: at, Total: n}
		return nil
	})
	if err != nil {
		return w, n, fmt.Errorf("note the replay: %w", err)
	}
	return updated, n, nil
}

// replaying is the exact number of events that the backlog has still to send as a replay, and that the stream has.
func (m *Backlogs) replaying(ctx context.Context, w registry.Webhook, b Backlog) (uint64, error) {
	below, above := b, Backlog{}
	below.Spans = nil
	for _, s := range b.Spans {
		if s.Replay != 0 {
			above.Spans = append(above.Spans, s)
		} else if s.Next < b.Replay {
			below.Spans = append(below.Spans, s)
		}
	}
	above.Pending = slices.DeleteFunc(slices.Clone(b.Again), func(w Waiting) bool { return w.Seq < b.Replay })
	n, err := m.count(ctx, w, above, 0)
	if err != nil || b.Replay == 0 {
		return n, err
	}
	// What a span on demand has below it is counted there.
	spanned := func(seq uint64) bool {
		return slices.ContainsFunc(above.Spans, func(s Span) bool { return s.holds(seq) })
	}
	below.Pending = slices.DeleteFunc(slices.Clone(below.Pending), func(w Waiting) bool { return spanned(w.Seq) })
	below.Retries = slices.DeleteFunc(slices.Clone(below.Retries), func(r Retry) bool { return spanned(r.Seq) })
	more, err := m.count(ctx, w, below, b.Replay)
	return n + more, err
}

// progress is how far the webhook's last replay is, nil if there is none.
func (m *Backlogs) progress(ctx context.Context, w registry.Webhook, b Backlog) (*Progress, error) {
	if w.Replay == nil {
		return nil, nil
	}
	left, err := m.replaying(ctx, w, b)
	if err != nil {
		return nil, err
	}
	return &Progress{At: w.Replay.At, Total: w.Replay.Total, Done: w.Replay.Total - min(w.Replay.Total, left)}, nil
}
