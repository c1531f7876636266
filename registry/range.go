package registry

import (
	"errors"
	"fmt"
	"slices"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
)

// RangeBefore is the ID of the range that a new webhook has: what was published before the webhook is not for it.
const RangeBefore = "before"

// Range is a part of the stream that the live path leaves out for a webhook: from a sequence on, and before an end. Its
// ID tells it from the webhook's other ranges. Where it begins does not: a stream that went back gives sequences again.
type Range struct {
	ID   string `json:"id"`
	From uint64 `json:"from"`
	// To is zero as long as the range is open.
	To event.End `json:"to,omitzero"`
}

// NewRange is the range of a webhook that is made now: the stream as it is.
func NewRange(b broker.Bounds) Range {
	return Range{ID: RangeBefore, To: event.End{Seq: b.Next(), AsOf: b.Last.Time}}
}

// Open says whether the range has no end yet.
func (r Range) Open() bool { return r.To.Open() }

// Holds says whether the event at this position lies in the range.
func (r Range) Holds(p event.Position) bool { return p.Seq >= r.From && p.Before(r.To) }

// RangeOf returns the range that the event at this position lies in, if there is one: the live path leaves the event out,
// because it is not for the webhook or belongs to its backlog. In an open range that may change.
func (w *Webhook) RangeOf(p event.Position) (Range, bool) {
	return w.findRange(func(r Range) bool { return r.Holds(p) })
}

// RangeByID returns the range with this ID.
func (w *Webhook) RangeByID(id string) (Range, bool) {
	return w.findRange(func(r Range) bool { return r.ID == id })
}

// Opened returns the open range, if there is one.
func (w *Webhook) Opened() (Range, bool) { return w.findRange(Range.Open) }

func (w *Webhook) findRange(is func(Range) bool) (Range, bool) {
	i := slices.IndexFunc(w.Ranges, is)
	if i < 0 {
		return Range{}, false
	}
	return w.Ranges[i], true
}

// OpenRange appends an open range from a sequence on. The ID is drawn at random by whoever opens it. It drops the ranges
// that end at or below the floor, which no look-up asks about any more. It returns an error and changes nothing if there
// is an open range, or one with this ID.
func (w *Webhook) OpenRange(id string, from, floor uint64) error {
	if r, open := w.findRange(func(r Range) bool { return r.Open() || r.ID == id }); open {
		return fmt.Errorf("open the range %s at %d beside the range %s from %d", id, from, r.ID, r.From)
	}
	ranges := slices.DeleteFunc(slices.Clone(w.Ranges), func(r Range) bool { return r.To.Seq <= floor })
	w.Ranges = append(ranges, Range{ID: id, From: from})
	return nil
}

// CloseRange sets the end of a range. An end is only moved up: a lower sequence or an earlier time changes nothing of it.
func (w *Webhook) CloseRange(id string, to event.End) error {
	if to.Open() {
		return errors.New("close a range without an end")
	}
	i := slices.IndexFunc(w.Ranges, func(r Range) bool { return r.ID == id })
	if i < 0 {
		return fmt.Errorf("close the range %s: there is none", id)
	}
	w.Ranges = slices.Clone(w.Ranges)
	end := &w.Ranges[i].To
	end.Seq = max(end.Seq, to.Seq)
	if to.AsOf.After(end.AsOf) {
		end.AsOf = to.AsOf
	}
	return nil
}
