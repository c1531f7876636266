package backlog

import (
	"time"

	"github.com/saumer/saumer/delivery"
)

// Mode says what happens to a webhook whose endpoint has failed for long enough.
type Mode string

// The modes: On deactivates, Observe says in the log what it would have done, Off does nothing.
const (
	On      Mode = "on"
	Observe Mode = "observe"
	Off     Mode = "off"
)

// Rules are the settings by which decisions are made.
type Rules struct {
	Backoff delivery.Backoff
	// After is how long an endpoint must have failed without a break, and Attempts how often, for its webhook to be
	// deactivated. A rejected event is exhausted after as much.
	After    time.Duration
	Attempts int
	// Mode says what that leads to.
	Mode Mode
	// FailingAfter is how long an endpoint fails before people are told.
	FailingAfter time.Duration
	// Window is how long after a deactivation events are kept for a replay.
	Window time.Duration
}

// Spent says whether an event has failed for as long and as often, by what the attempt log knows of it, as before it is exhausted.
func (r *Rules) Spent(u delivery.Untaken) bool {
	return u.Last.Number >= r.Attempts && u.Last.At.Add(u.Last.Duration).Sub(u.First.At) >= r.After
}

// Cause is why a webhook is to be judged.
type Cause string

// The causes.
const (
	Spent  Cause = "spent"  // its endpoint has failed for as long and as often as the rules allow
	Gone   Cause = "gone"   // its endpoint answered 410
	Paused Cause = "paused" // a person wants it paused
)

// Verdict is what is to be done about a webhook that is judged.
type Verdict int

// The verdicts.
const (
	CarryOn    Verdict = iota
	Deactivate         // as the rules say
	Watch              // it would be deactivated, were the mode On
	BlameUs            // it would be deactivated, but our own network seems to be down
)

// Verdict decides. Outage says that our own network seems to be down. A 410 is an answer, and so it is the endpoint's.
func (r *Record) Verdict(rules *Rules, outage bool) Verdict {
	switch {
	case r.Judge == Paused:
		return Deactivate
	case r.Judge == "", rules.Mode == Off:
		return CarryOn
	case rules.Mode == Observe:
		return Watch
	case r.Judge == Spent && outage:
		return BlameUs
	default:
		return Deactivate
	}
}

// sameMinute is how long before a 410 an event must have been taken for the 410 to be the event's.
const sameMinute = time.Minute

// Vouching is since when the endpoint must have taken an event for its failures to be the events': since it began to fail, or, of
// a webhook that is to be judged for a 410, since a minute before.
func (r *Record) Vouching(now time.Time) time.Time {
	if r.Judge == Gone {
		return now.Add(-sameMinute)
	}
	return r.Health.Since
}

// Vouched is what Take takes in where the attempt log shows such an event at a time.
func (r *Record) Vouched(now time.Time) Try {
	return Try{Well: true, Attempt: delivery.Attempt{At: r.Health.Since, Duration: now.Sub(r.Health.Since)}}
}

// Acquit ends a judgement that changes nothing. The next failure has the webhook judged again.
func (r *Record) Acquit() { r.Judge = "" }

// Reason is what the webhook's record and the notice say of a deactivation.
func (r *Record) Reason() string {
	switch r.Judge {
	case Gone:
		return "the endpoint answered 410 Gone"
	case Paused:
		return PausedReason
	default:
		return r.Health.Last
	}
}
