package backlog

import (
	"slices"
	"time"
)

// Step is what is to be done about a backlog.
type Step int

// The steps.
const (
	Wait    Step = iota // nothing before a time, or until something happens
	Tell                // people are to be told of something; see Announce
	Open                // the webhook's events are to leave the live path; see Record.Open
	Judge               // the webhook is to be judged; see Verdict
	Work                // events are to be attempted; of an ordered webhook at rest, if the stream has any
	TryHost             // the inactive webhook's host is to be tried; see Probed
	Remove              // nothing is outstanding: the record goes
)

// Next is what is to be done at a time. For Wait it says until when, zero for until something happens. After Work that
// brought nothing, whoever asks waits until Wake.
func (r *Record) Next(now time.Time) (Step, time.Time) {
	if r.Empty() {
		return Remove, time.Time{}
	}
	if at, never := r.tell(); !never && !at.After(now) {
		return Tell, at
	}
	switch {
	case r.State == Parked:
		if at := r.Probe.Next; !at.IsZero() && !at.After(now) {
			return TryHost, at
		}
	case r.State == Leaving:
		return Open, time.Time{}
	case r.Judge != "":
		return Judge, time.Time{}
	default:
		at, never := r.Due()
		if never && r.State == CatchingUp {
			at, never = r.NotBefore, false // only the stream tells whether the live path passed over an event
		}
		if !never && !at.After(now) {
			return Work, at
		}
	}
	at, _ := r.Wake()
	return Wait, at
}

// Wake is when the backlog is next to be looked at; never, if that is until something happens: somebody activates the
// webhook, or the live path passes over an event of an ordered one.
func (r *Record) Wake() (at time.Time, never bool) {
	at, never = r.Due()
	if tell, nothing := r.tell(); !nothing && (never || tell.Before(at)) {
		at, never = tell, false
	}
	if !r.Probe.Next.IsZero() && (never || r.Probe.Next.Before(at)) {
		at, never = r.Probe.Next, false
	}
	return at, never
}

// Due is when the next attempt is; never, if none is until something happens.
func (r *Record) Due() (at time.Time, never bool) {
	switch {
	case r.State == Parked || r.idle():
		return time.Time{}, true
	case r.State == Leaving || r.Judge != "":
		return time.Time{}, false // neither waits for the endpoint
	case r.Ordered:
		first, waits := r.First()
		if r.State == CatchingUp && !waits && len(r.Spans) == 1 {
			return time.Time{}, true // until the live path passes over an event of the open span
		}
		if i, found := r.Retry(first); found {
			at = r.Retries[i].Next
		}
	case len(r.Spans) == 0 && !slices.ContainsFunc(r.Pending, func(w Waiting) bool { return !r.Crowded(w) }):
		for i, x := range r.Retries {
			if i == 0 || x.Next.Before(at) {
				at = x.Next
			}
		}
	}
	if r.NotBefore.After(at) {
		at = r.NotBefore
	}
	return at, false
}
