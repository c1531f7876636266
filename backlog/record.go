// Package backlog is what a webhook has outstanding, as one record, and every decision about it: what an attempt does to
// it, what follows an activation or a deactivation, what is to be done next, and what the verdict is.
//
// The stream is the backlog: a record holds positions in it, never events. A webhook that is down costs one record and
// one timer, however many events pass it by.
//
// The package is pure. It knows no context, no client and no clock: time and chance are passed in, so that a decision can
// be made again on a newer record, and a test can tell the story of a backlog.
//
// # The states
//
//	                the endpoint fails,                    its range
//	                or is slow (Take)                    opens (Open)
//	┌──────────┐                         ┌─────────┐                    ┌────────────┐
//	│ Retrying │ ──────────────────────► │ Leaving │ ─────────────────► │ CatchingUp │
//	└──────────┘                         └─────────┘                    └────────────┘
//	     ▲                                                               │   │    ▲
//	     │           caught up: its range has an end (Close)             │   │    │
//	     └───────────────────────────────────────────────────────────────┘   │    │
//	                                                          a deactivation │    │ an activation
//	                                                            (Deactivate) ▼    │ (Activate)
//	                                                                       ┌────────┐
//	                                                                       │ Parked │
//	                                                                       └────────┘
//
// A new record is Retrying, and where nothing is outstanding in that state, the record goes. A webhook that is ordered, or to be
// judged, is in Leaving after Close. An ordered one so stays in CatchingUp.
//
// A loss of power may set back the record or the webhook's range. Restore then leads from any state to CatchingUp, or leaves
// Parked as it is; Orphan leads from CatchingUp and Parked to Retrying, or to Leaving where the endpoint fails. An activation
// that finds no open span leads to Leaving.
package backlog

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/saumer/saumer/event"
)

// State is where a backlog stands; see the package's diagram.
type State string

// The states.
const (
	// Retrying: the live path attempts the webhook's events. What waits by itself, and the spans that have an end, are
	// attempted beside it.
	Retrying State = "retrying"
	// Leaving: the webhook's events are to leave the live path, which still attempts them.
	Leaving State = "leaving"
	// CatchingUp: the live path passes over the webhook's events from the open span on, and the backlog attempts them.
	CatchingUp State = "catching-up"
	// Parked: the webhook is inactive. Its events wait in the open span, and nothing is attempted.
	Parked State = "parked"
)

const (
	// Form is the newest form of a record, the one that is written.
	Form = 2
	// MaxRetries bounds the events that back off by themselves. Where there is no room for another one, that which was attempted
	// most often is exhausted; if none was often enough, the new one is pending, and the endpoint is left in peace.
	MaxRetries = 1000
	// MaxDone bounds the events that are done with before a cursor comes to them.
	MaxDone = 1000
	// MaxSpans bounds the spans of a record.
	MaxSpans = 64
	// StreakFails is how many different events in a row mean that the endpoint as a whole fails, if all are rejected, or if it is
	// known to take some and fail others.
	StreakFails = 10
)

// Record is what a webhook has outstanding. Where nothing is, there is no record.
type Record struct {
	// Form is that of the record as it is written. State is where the backlog stands.
	Form  int   `json:"v"`
	State State `json:"state"`
	// Pending events were handed over by the live path, or met an endpoint that failed as a whole; in any state.
	Pending Pending `json:"pending,omitempty"`
	// Retries are events that failed by themselves, each with a backoff of its own, by sequence; in any state.
	Retries []Retry `json:"retries,omitempty"`
	// Spans are parts of the stream to be worked off, in that order. The last one is open in CatchingUp and Parked, and no
	// other ever is.
	Spans []Span `json:"spans,omitempty"`
	// Done are events that the endpoint took before the cursor of their span came to them, by sequence; in any state.
	Done Pending `json:"done,omitempty"`
	// Ordered says that the webhook is served from here for good, in the order of the stream. It is a copy of the
	// webhook's setting, since the record says by itself what is to be done next; in any state.
	Ordered bool `json:"ordered,omitempty"`
	// Judge is why the webhook is to be judged, empty if it is not; in Leaving and CatchingUp, since its future events are to
	// wait in the open span when it is deactivated.
	Judge Cause `json:"judge,omitempty"`
	// Streak counts the events in a row that were rejected; zero in Parked.
	Streak int `json:"streak,omitempty"`
	// Health is that of the endpoint as a whole, in Parked that at the deactivation. NotBefore is until when the endpoint is left
	// in peace, zero in Parked.
	Health    Health    `json:"health,omitzero"`
	NotBefore time.Time `json:"not_before,omitzero"`
	// Unmet is until when the endpoint is left in peace where an event waits that it has not met: the failures of others prove
	// nothing more of that one. Zero where NotBefore is.
	Unmet time.Time `json:"unmet,omitzero"`
	// Took is when the endpoint last took an event, as far as the record knows; in any state.
	Took time.Time `json:"took,omitzero"`
	// Follows is the webhook's last activation or deactivation, by its time, that the record has followed; in any state. Zero
	// for none.
	Follows time.Time `json:"follows,omitzero"`
	// Replay is up to where events are sent as a replay, since an activation asked for that; in any state. Zero for nowhere.
	Replay event.End `json:"replay,omitzero"`
	// Outbox are what people are to be told, oldest first, each until its notice is stored; in any state.
	Outbox []Notice `json:"outbox,omitempty"`
	// Told is since when the endpoint has failed as far as people know, zero if they think that it works; in any state. Alarm is
	// when they are to be told that it fails, if it still does by then; zero for never, and in Parked.
	Told  time.Time `json:"told,omitzero"`
	Alarm time.Time `json:"alarm,omitzero"`
	// Exhausted are events that people are to be told of together; in any state.
	Exhausted ExhaustedEvents `json:"exhausted,omitzero"`
	// Probe is how the inactive webhook's host is tried; zero but in Parked.
	Probe Probe `json:"probe,omitzero"`
	// Lease is whose turn it is to work the backlog off; in any state.
	Lease Lease `json:"lease,omitzero"`
}

// New is the record of a webhook that has nothing outstanding yet.
func New() Record { return Record{Form: Form, State: Retrying} }

// Empty says whether nothing is outstanding, nor to be told, so that the record can go.
func (r *Record) Empty() bool {
	return r.idle() && len(r.Outbox) == 0 && len(r.Exhausted.Seqs) == 0 && r.Exhausted.Quiet.IsZero()
}

// idle says whether no event is outstanding and nothing is to be decided.
func (r *Record) idle() bool {
	return r.State == Retrying && len(r.Pending) == 0 && len(r.Retries) == 0 && len(r.Spans) == 0
}

// Waits says whether an event waits by itself, and how.
func (r *Record) Waits(p event.Position) (pending, retry bool) {
	_, pending = r.pending(p)
	_, retry = r.Retry(p)
	return pending, retry
}

// Waiting are the positions of the events that wait by themselves, by sequence.
func (r *Record) Waiting() iter.Seq[event.Position] {
	return func(yield func(event.Position) bool) {
		i := 0
		for _, p := range r.Pending {
			for ; i < len(r.Retries) && r.Retries[i].Seq < p.Seq; i++ {
				if !yield(r.Retries[i].Position) {
					return
				}
			}
			if !yield(p.Position) {
				return
			}
		}
		for ; i < len(r.Retries); i++ {
			if !yield(r.Retries[i].Position) {
				return
			}
		}
	}
}

// WaitsForReplay says whether an event that waits by itself is sent as a replay.
func (r *Record) WaitsForReplay(p event.Position) bool {
	if i, found := r.pending(p); found && r.Pending[i].Replay {
		return true
	}
	if i, found := r.Retry(p); found && r.Retries[i].Replay {
		return true
	}
	return r.Replays(p)
}

// First is the first event that waits by itself; false if none does.
func (r *Record) First() (event.Position, bool) {
	for p := range r.Waiting() {
		return p, true
	}
	return event.Position{}, false
}

// Lowest is the lowest sequence that is outstanding; false if nothing is.
func (r *Record) Lowest() (uint64, bool) {
	first, waits := r.First()
	switch {
	case len(r.Spans) == 0:
		return first.Seq, waits
	case !waits:
		return r.Spans[0].Cursor, true
	default:
		return min(first.Seq, r.Spans[0].Cursor), true
	}
}

// Spanned says whether a span has still to come to the event.
func (r *Record) Spanned(p event.Position) bool {
	i, found := r.Done.at(p.Seq)
	return (!found || other(r.Done[i].Position, p)) && slices.ContainsFunc(r.Spans, func(s Span) bool { return s.Holds(p) })
}

// Replays says whether an event is sent as a replay because an activation asked for that.
func (r *Record) Replays(p event.Position) bool { return !r.Replay.Open() && p.Before(r.Replay) }

// Refusing says whether the endpoint seems to reject everything: it has rejected StreakFails events in a row.
func (r *Record) Refusing() bool { return r.Streak >= StreakFails }

// errIllegal is what is wrong with a record that must not be.
var errIllegal = errors.New("the record is illegal")

// Check says what is wrong with a record that must not be written, or nil.
func (r *Record) Check() error {
	_, open := r.open()
	switch {
	case !slices.Contains([]State{Retrying, Leaving, CatchingUp, Parked}, r.State):
		return fmt.Errorf("%w: there is no state %q", errIllegal, r.State)
	case open != (r.State == CatchingUp || r.State == Parked):
		return fmt.Errorf("%w: %s, and an open span: %v", errIllegal, r.State, open)
	case r.State != Parked && r.Probe != (Probe{}):
		return fmt.Errorf("%w: %s, and its host is tried", errIllegal, r.State)
	case r.State == Parked && (r.Judge != "" || !r.Alarm.IsZero()):
		return fmt.Errorf("%w: parked, and to be judged, or people to be alarmed", errIllegal)
	case r.State == Retrying && r.Judge != "":
		return fmt.Errorf("%w: retrying, and to be judged: its events would not wait", errIllegal)
	case !slices.Contains([]Cause{"", Spent, Gone, Paused}, r.Judge):
		return fmt.Errorf("%w: there is no cause %q", errIllegal, r.Judge)
	}
	return r.checkParts()
}

// checkParts says what is wrong with the order of the parts.
func (r *Record) checkParts() error {
	switch {
	case !slices.IsSortedFunc(r.Pending, func(a, b Waiting) int { return ascending(a.Seq, b.Seq) }):
		return fmt.Errorf("%w: pending events are not in order", errIllegal)
	case !slices.IsSortedFunc(r.Done, func(a, b Waiting) int { return ascending(a.Seq, b.Seq) }):
		return fmt.Errorf("%w: events that are done with are not in order", errIllegal)
	case !slices.IsSortedFunc(r.Retries, func(a, b Retry) int { return ascending(a.Seq, b.Seq) }):
		return fmt.Errorf("%w: retries are not in order", errIllegal)
	case slices.ContainsFunc(r.Retries, func(x Retry) bool { _, both := r.pendingAt(x.Seq); return both }):
		return fmt.Errorf("%w: an event waits twice", errIllegal)
	case len(r.Retries) > MaxRetries:
		return fmt.Errorf("%w: %d retries", errIllegal, len(r.Retries))
	case len(r.Spans) > MaxSpans+1:
		return fmt.Errorf("%w: %d spans", errIllegal, len(r.Spans))
	}
	for i, s := range r.Spans {
		if s.To.Open() && (i < len(r.Spans)-1 || s.ID == "") {
			return fmt.Errorf("%w: an open span is not the last, or has no name", errIllegal)
		}
	}
	return nil
}

// ascending is cmp.Compare that takes equals for out of order.
func ascending(a, b uint64) int { return cmp.Or(cmp.Compare(a, b), -1) }
