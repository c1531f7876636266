package backlog

import (
	"cmp"
	"slices"
	"time"

	"github.com/saumer/saumer/event"
)

// Activation is what a person decided about the backlog of a webhook that was inactive.
type Activation struct {
	// At is when, Deactivated when the deactivation was that it ended.
	At          time.Time `json:"at"`
	Deactivated time.Time `json:"deactivated,omitzero"`
	// Replay says whether the events that were kept are sent: those before Until, the end of the replay window. Without it,
	// and beyond, events are dropped up to From, the end of the stream at the activation.
	Replay bool      `json:"replay"`
	Until  event.End `json:"until"`
	From   event.End `json:"from"`
	// Total is how many events are sent as a replay.
	Total uint64 `json:"total,omitempty"`
}

// drops says whether the activation leaves an event out.
func (a Activation) drops(p event.Position) bool {
	return p.Before(a.From) && (!a.Replay || !p.Before(a.Until))
}

// Deactivate follows a deactivation of the webhook, by its time. It is idempotent. The future events wait in an open span
// already; see Open.
func (r *Record) Deactivate(at time.Time, reason string) {
	if r.State == Parked && r.Follows.Equal(at) {
		return
	}
	since, paused := r.Health.Since, r.Judge == Paused
	r.State, r.Follows, r.Judge, r.Streak, r.NotBefore, r.Unmet, r.Alarm = Parked, at, "", 0, time.Time{}, time.Time{}, time.Time{}
	if paused {
		return // whoever did it knows
	}
	r.Told, r.Probe = cmp.Or(since, at), Probe{Next: at}
	r.Outbox = append(r.Outbox, Notice{Kind: Deactivated, At: at, Since: since, Reason: reason})
}

// Activate follows an activation of the webhook. It is idempotent. With a replay, what the open span holds before Until, and
// what waited already, is sent; else it is dropped. What is published from the activation on is sent in any case.
func (r *Record) Activate(a Activation) {
	_, open := r.open()
	if r.Follows.Equal(a.At) && r.State != Parked {
		return
	}
	if r.Follows.IsZero() && !open {
		// Made after the activation: nothing in it is from before.
		r.Follows = a.At
		return
	}
	r.Follows, r.State = a.At, Leaving
	if open {
		r.State = CatchingUp
	}
	r.Judge, r.Streak, r.Health, r.NotBefore, r.Unmet, r.Alarm, r.Probe = "", 0, Health{}, time.Time{}, time.Time{}, time.Time{}, Probe{}
	// What waits by itself may be beyond the window too: the live path handed it over before the open range began.
	r.Pending = slices.DeleteFunc(r.Pending, func(w Waiting) bool { return a.drops(w.Position) })
	r.Retries = slices.DeleteFunc(r.Retries, func(x Retry) bool { return a.drops(x.Position) })
	for i := range r.Retries {
		r.Retries[i].Next, r.Retries[i].Since, r.Retries[i].Cleared = time.Time{}, a.At, false
	}
	if a.Replay {
		r.Replay = a.From
	}
	r.jump(a)
}

// Resume goes on with a parked record of which the webhook does not say that it is inactive: the webhook's record went back
// to before the deactivation. All that waits is sent.
func (r *Record) Resume(at time.Time) {
	if r.State == Parked {
		r.Activate(Activation{At: at, Replay: true})
	}
}

// jump moves the spans to where an activation goes on. What lies in a span that has an end was published before the window
// ended, so that a replay sends all of it.
func (r *Record) jump(a Activation) {
	spans := r.Spans
	r.Spans = nil
	for _, s := range spans {
		if a.Replay && (!s.To.Open() || a.Until.Seq >= a.From.Seq) {
			r.Spans = append(r.Spans, s)
			continue
		}
		if a.Replay && s.Cursor < a.Until.Seq {
			r.Spans = append(r.Spans, Span{From: s.From, Cursor: s.Cursor, Anchor: s.Anchor, To: a.Until})
		}
		if s.Cursor < a.From.Seq {
			s.Cursor, s.Anchor = a.From.Seq, event.Position{Seq: a.From.Seq - 1, Time: a.From.AsOf}
		}
		r.Spans = append(r.Spans, s)
	}
	r.trim()
}
