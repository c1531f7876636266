package backlog

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/saumer/saumer/event"
)

// Errors of what people ask for; match them with errors.Is.
var (
	// ErrOnTheWay is returned for an event that is about to be sent in any case.
	ErrOnTheWay = errors.New("the event is about to be sent in any case")
	// ErrTooMany is returned where more replays are unfinished than can be kept.
	ErrTooMany = errors.New("too many replays are unfinished: wait until they are done")
)

// Redeliver has an event attempted as soon as may be, as a replay. An endpoint that is left in peace is not any longer.
func (r *Record) Redeliver(p event.Position) error {
	if r.Spanned(p) {
		return ErrOnTheWay
	}
	r.forget(p)
	if i, found := r.Retry(p); found {
		r.Retries[i].Next, r.Retries[i].Replay = time.Time{}, r.Retries[i].Replay || !r.Replays(p)
	} else {
		r.hold(Waiting{p, 0, !r.Replays(p)})
	}
	r.NotBefore = time.Time{}
	return nil
}

// ReplayAgain adds what of the sequences from low up to an end no span has to work off already, as spans of the replay of
// that name. An open span stays the last.
func (r *Record) ReplayAgain(name int64, low uint64, end event.End) error {
	var added []Span
	add := func(from, to uint64) {
		if from < to {
			added = append(added, Span{From: from, Cursor: from, To: event.End{Seq: to, AsOf: end.AsOf}, Replay: name})
		}
	}
	for _, s := range r.Spans {
		if low >= end.Seq {
			break
		}
		add(low, min(end.Seq, s.Cursor))
		if s.To.Open() {
			low = end.Seq
		}
		low = max(low, s.To.Seq)
	}
	add(low, end.Seq)
	if len(r.Spans)+len(added) > MaxSpans {
		return ErrTooMany
	}
	r.Spans = append(r.Spans, added...)
	slices.SortStableFunc(r.Spans, func(a, b Span) int { return cmp.Compare(a.last(), b.last()) })
	return nil
}

// last is the highest sequence that the span can have.
func (s Span) last() uint64 {
	if s.To.Open() {
		return math.MaxUint64
	}
	return s.To.Seq - 1
}
