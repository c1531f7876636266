package backlog

import (
	"slices"
	"time"
)

// NoticeKind says what a notice tells.
type NoticeKind string

// The kinds of notices.
const (
	Failing     NoticeKind = "failing"         // the webhook has been failing for a while
	Deactivated NoticeKind = "deactivated"     // it failed for too long and gets no events any more
	Recovered   NoticeKind = "recovered"       // it took an event again after either
	Exhausted   NoticeKind = "exhausted"       // events were attempted for the last time
	Reachable   NoticeKind = "reachable-again" // the inactive webhook's host accepts connections again
)

// Notice is a change in how a webhook does that people are to be told. Kind and At tell two of a webhook apart.
type Notice struct {
	Kind NoticeKind `json:"kind"`
	At   time.Time  `json:"at"`
	// Since is when the first of the failures was, Reason what the last was, in a sentence.
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// Deactivation is when a webhook that fails will be deactivated; zero: not by itself.
	Deactivation time.Time `json:"deactivation,omitzero"`
	// Seqs are the exhausted events, Attempts those of the last of them.
	Seqs     []uint64 `json:"seqs,omitempty"`
	Attempts int      `json:"attempts,omitempty"`
}

// is says whether both are one notice.
func (n Notice) is(other Notice) bool { return n.Kind == other.Kind && n.At.Equal(other.At) }

// grouping is how long exhausted events are collected after people were told of some.
const grouping = time.Hour

// ExhaustedEvents are events that were attempted for the last time and that people have not been told of yet.
type ExhaustedEvents struct {
	Seqs []uint64 `json:"seqs,omitempty"`
	// Attempts and Reason are those of the last one.
	Attempts int    `json:"attempts,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Quiet is until when people are not told of such events again; zero: they may be at once.
	Quiet time.Time `json:"quiet,omitzero"`
}

// exhaust is done with an event of which an attempt was the last.
func (r *Record) exhaust(t Try, x Retry) {
	x.Attempts, x.Error = t.Number, t.Error
	r.exhausted(x)
}

// exhausted is done with an event that is not attempted again; people are to know.
func (r *Record) exhausted(x Retry) {
	r.settle(x.Position)
	if i, found := slices.BinarySearch(r.Exhausted.Seqs, x.Seq); !found {
		r.Exhausted.Seqs = slices.Insert(r.Exhausted.Seqs, i, x.Seq)
	}
	r.Exhausted.Attempts, r.Exhausted.Reason = x.Attempts, x.Error
}

// Watch sets the alarm of an endpoint that has begun to fail, and turns it off for one that no longer does, or of which
// people know. It belongs to each write of a runner.
func (r *Record) Watch(rules *Rules) {
	switch {
	case r.State == Parked || !r.Health.Failing() || r.Health.Since.Equal(r.Told):
		r.Alarm = time.Time{}
	case r.Alarm.IsZero():
		r.Alarm = r.Health.Since.Add(rules.FailingAfter)
	}
}

// tell is when people are next to be told of something; never, if there is nothing.
func (r *Record) tell() (at time.Time, never bool) {
	switch {
	case len(r.Outbox) > 0, len(r.Exhausted.Seqs) > 0 && r.Exhausted.Quiet.IsZero():
		return time.Time{}, false
	case r.Alarm.IsZero() || !r.Exhausted.Quiet.IsZero() && r.Exhausted.Quiet.Before(r.Alarm):
		return r.Exhausted.Quiet, r.Exhausted.Quiet.IsZero()
	}
	return r.Alarm, false
}

// Announce puts into the outbox what people are to be told by now. Outage says that our own network
// seems to be down.
func (r *Record) Announce(now time.Time, rules *Rules, outage bool) {
	switch due := !r.Alarm.IsZero() && !now.Before(r.Alarm) && r.Health.Failing(); {
	case due && outage:
		// The fault may be ours: the endpoint's is looked at again later.
		r.Alarm = now.Add(rules.FailingAfter)
	case due:
		notice := Notice{Kind: Failing, At: now, Since: r.Health.Since, Reason: r.Health.Last}
		if rules.Mode == On {
			notice.Deactivation = r.Health.Since.Add(rules.After)
		}
		r.Outbox = append(r.Outbox, notice)
		r.Told, r.Alarm = r.Health.Since, time.Time{}
	}
	if now.Before(r.Exhausted.Quiet) {
		return
	}
	exhausted := r.Exhausted
	r.Exhausted = ExhaustedEvents{}
	if len(exhausted.Seqs) > 0 {
		r.Outbox = append(r.Outbox, Notice{
			Kind: Exhausted, At: now, Reason: exhausted.Reason, Seqs: exhausted.Seqs, Attempts: exhausted.Attempts,
		})
		r.Exhausted.Quiet = now.Add(min(grouping, rules.After))
	}
}

// Stored removes a notice from the outbox: it is kept elsewhere now.
func (r *Record) Stored(n Notice) { r.Outbox = slices.DeleteFunc(slices.Clone(r.Outbox), n.is) }
