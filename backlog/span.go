package backlog

import (
	"slices"

	"github.com/saumer/saumer/event"
)

// Span is a part of the stream to be worked off, from Cursor to To.
type Span struct {
	// ID is that of the webhook's range which the span belongs to; empty if to none.
	ID string `json:"id,omitempty"`
	// From is where it began: the cursor never goes back beyond it.
	From uint64 `json:"from"`
	// Cursor is the lowest sequence that is not done with. Anchor is the newest event below it that was known, zero for
	// none: where the stream does not have that any more, it went back, and the cursor with it.
	Cursor uint64         `json:"cursor"`
	Anchor event.Position `json:"anchor,omitzero"`
	// To is its end.
	To event.End `json:"to,omitzero"`
	// Replay is the replay on demand that it belongs to, by its time in nanoseconds since 1970; 0 if to none.
	Replay int64 `json:"replay,omitempty"`
}

// Same says whether both are one span, however far either has come.
func (s Span) Same(other Span) bool {
	return s.ID == other.ID && s.From == other.From && s.To == other.To && s.Replay == other.Replay
}

// Holds says whether the event is still to be worked off by the span.
func (s Span) Holds(p event.Position) bool { return p.Seq >= s.Cursor && p.Before(s.To) }

// done says whether nothing is left of the span.
func (s Span) done() bool { return !s.To.Open() && s.Cursor >= s.To.Seq }

// open is the open span.
func (r *Record) open() (*Span, bool) {
	if n := len(r.Spans); n > 0 && r.Spans[n-1].To.Open() {
		return &r.Spans[n-1], true
	}
	return nil, false
}

// OpenSpan is the open span; false if there is none.
func (r *Record) OpenSpan() (Span, bool) {
	if s, open := r.open(); open {
		return *s, true
	}
	return Span{}, false
}

// leave has future events leave the live path, unless they have.
func (r *Record) leave() {
	if r.State == Retrying {
		r.State = Leaving
	}
}

// Open takes the webhook's events off the live path: the range of that name is about to be opened. It changes nothing if
// a span is open.
func (r *Record) Open(id string, from uint64, anchor event.Position) {
	if _, open := r.open(); open {
		return
	}
	r.Spans = append(r.Spans, Span{ID: id, From: from, Cursor: from, Anchor: anchor})
	r.State = CatchingUp
}

// Close gives the webhook's events back to the live path from an end on, up to which the open span is worked off. A webhook
// that is to be judged meanwhile leaves the live path again.
func (r *Record) Close(to event.End) {
	if s, open := r.open(); open && r.State == CatchingUp {
		// From here on the live path tells how the endpoint does.
		s.To, r.State, r.Health.Whole, r.Health.Events = to, Retrying, false, 0
		if r.Judge != "" || r.Ordered {
			r.State = Leaving
		}
		r.trim()
	}
}

// Restore opens the span of an open range that the record does not know (the record went back, or is gone), from where the
// range begins: rather twice than not at all. An open span that has no open range goes into it.
func (r *Record) Restore(id string, from uint64, anchor event.Position) {
	s, open := r.open()
	if !open {
		r.State = Leaving
		r.Open(id, from, anchor)
		return
	}
	if s.Cursor < from {
		from, anchor = s.Cursor, s.Anchor
	}
	*s = Span{ID: id, From: min(from, s.From), Cursor: from, Anchor: anchor}
}

// Orphan ends an open span whose range the webhook does not have (it was never opened, or the webhook's record went back),
// at the end of the stream: up to there both the live path and the backlog may deliver, rather twice than not at all.
func (r *Record) Orphan(end event.End) {
	s, open := r.open()
	if !open {
		return
	}
	s.ID, s.To, r.State, r.Probe = "", end, Retrying, Probe{}
	if r.Health.Failing() || r.Judge != "" || r.Ordered {
		r.State = Leaving
	}
	r.trim()
}

// Owe adds what of the sequences from low up to an end no span has to work off already, but for what the webhook's last
// activation, nil for none, has dropped: the range that held it has ended, and nobody knows whether all of it was sent.
func (r *Record) Owe(low uint64, end event.End, last *Activation) error {
	if last != nil && low < last.From.Seq && !(last.Replay && last.Until.Seq >= last.From.Seq) {
		if last.Replay && low < last.Until.Seq {
			first := event.End{Seq: min(end.Seq, last.Until.Seq), AsOf: end.AsOf}
			if err := r.ReplayAgain(0, low, first); err != nil {
				return err
			}
			low = max(low, last.Until.Seq)
		}
		low = max(low, last.From.Seq)
	}
	return r.ReplayAgain(0, low, end)
}

// Advance moves the spans to how far they have come.
func (r *Record) Advance(come []Span) {
	for i := range r.Spans {
		s := &r.Spans[i]
		if j := slices.IndexFunc(come, s.Same); j >= 0 {
			s.Cursor, s.Anchor = come[j].Cursor, come[j].Anchor
		}
	}
	r.trim()
}

// Ahead says whether a span has come further than the record knows.
func (r *Record) Ahead(come []Span) bool {
	return slices.ContainsFunc(r.Spans, func(s Span) bool {
		j := slices.IndexFunc(come, s.Same)
		return j >= 0 && come[j].Cursor != s.Cursor
	})
}

// trim drops the spans that are done, and what was done with before a cursor that has come to it.
func (r *Record) trim() {
	r.Spans = slices.DeleteFunc(r.Spans, Span.done)
	r.Done = slices.DeleteFunc(r.Done, func(w Waiting) bool {
		return !slices.ContainsFunc(r.Spans, func(s Span) bool { return s.Holds(w.Position) })
	})
}
