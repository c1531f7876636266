package backlog

import (
	"time"

	"github.com/saumer/saumer/delivery"
)

// Try is an attempt, or what stands for one, with what was known besides when it ended. It has all that Take needs, so that
// it can be taken in again by a newer record.
type Try struct {
	delivery.Attempt
	// Streak, of an attempt of the live path, counts its events in a row that were rejected, this one included. Of the
	// backlog's own attempts it is 0: the record counts these.
	Streak int
	// Taken, of the last attempt of a rejected event, says that the endpoint took others since its first.
	Taken bool
	// All says that this rejection, which was taken in before, stands for all that there was to attempt.
	All bool
	// Missing says that there was no attempt, since the stream does not hold the event any more.
	Missing bool
	// Draw, in [0, 1), decides how far the next delay is off the exponential one.
	Draw float64
}

// end is when the attempt ended.
func (t Try) end() time.Time { return t.At.Add(t.Duration) }

// Effect is what an attempt means for those that follow it.
type Effect int

// The effects.
const (
	GoOn  Effect = iota // nothing
	Pause               // no other is to begin in this pass, which says nothing of the endpoint
	Fail                // no other is to begin: the endpoint as a whole failed
)

// Take takes in an attempt, of the live path or of the backlog's own. A slow one without an event (sequence 0) says that the
// webhook keeps the live path waiting. A failure of an event whose sequence a later one bears says nothing: the stream went back.
func (r *Record) Take(t Try, rules *Rules) Effect {
	class := t.Outcome.Class()
	switch {
	case t.Missing, class != delivery.Success && r.outdated(t.Position()):
		r.settle(t.Position())
		return GoOn
	case t.All:
		if r.State != Parked {
			r.fail(t, rules)
		}
		return Fail
	case t.Seq == 0:
		r.leave()
		return GoOn
	case class == delivery.Success:
		r.settle(t.Position())
		r.heal(t.end())
		return GoOn
	case r.State == Parked:
		// It was under way when the webhook was deactivated, by what is known of its endpoint now.
		r.hold(Waiting{t.Position(), t.Number, r.marks(t)})
		return Pause
	case class == delivery.Rejected:
		return r.rejected(t, rules)
	case class == delivery.Cut:
		r.keep(t)
		return Pause
	}
	r.hold(Waiting{t.Position(), t.Number, r.marks(t)})
	if t.Outcome == delivery.Slow || t.Outcome == delivery.Busy {
		r.leave()
		return Pause
	}
	r.fail(t, rules)
	if class == delivery.Ended && rules.Mode != Off && r.Judge != Paused {
		r.Judge = Gone
	}
	return Fail
}

// rejected takes in an event that the endpoint did not want. It backs off by itself and is exhausted after its last attempt.
// Many different ones in a row mean that the endpoint as a whole fails.
func (r *Record) rejected(t Try, rules *Rules) Effect {
	i, again := r.Retry(t.Position())
	if r.last(t, rules) {
		return r.lastRejected(t, r.Retries[i], rules)
	}
	full := !again && r.full()
	r.put(t, rules)
	_, open := r.open()
	switch {
	case t.Streak > 0:
		r.Streak = t.Streak
	case !again && open:
		r.Streak++
	}
	counted := t.Streak > 0 || !again && open
	switch {
	case full, counted && r.Refusing():
		r.fail(t, rules)
		return Fail
	case r.Ordered:
		return Pause // what follows waits for it
	default:
		return GoOn
	}
}

// last says whether a rejection was the last one that the event may meet.
func (r *Record) last(t Try, rules *Rules) bool {
	i, found := r.Retry(t.Position())
	return found && t.Streak == 0 && t.Number >= rules.Attempts && t.At.Sub(r.Retries[i].Since) >= rules.After
}

// Last says whether an attempt is one of which Taken has to be known, and since when: the last one of a rejected event.
func (r *Record) Last(t Try, rules *Rules) (since time.Time, last bool) {
	if t.Missing || t.Outcome.Class() != delivery.Rejected || !r.last(t, rules) {
		return time.Time{}, false
	}
	i, _ := r.Retry(t.Position())
	return r.Retries[i].Since, true
}

// lastRejected makes an event exhausted if others were taken since its first attempt. If none was, its rejections are the endpoint's.
func (r *Record) lastRejected(t Try, retry Retry, rules *Rules) Effect {
	// In order nothing can be taken meanwhile. What was taken right before it tells as much.
	if t.Taken || r.Ordered && r.Streak < 2 || rules.Mode == Off {
		retry.Attempts, retry.Error = t.Number, t.Error
		r.exhaust(retry)
		return GoOn
	}
	r.put(t, rules)
	if !r.Health.Failing() {
		r.Health = Health{Attempts: t.Number - 1, Since: retry.Since}
	}
	r.fail(t, rules)
	return Fail
}

// fail counts a failure of the endpoint as a whole, which is left in peace for a while. An attempt that began before such a
// time counts for nothing: what is under way at once fails once.
func (r *Record) fail(t Try, rules *Rules) {
	r.leave()
	if t.At.Before(r.NotBefore) {
		return
	}
	r.Health = r.Health.with(t)
	r.NotBefore = t.end().Add(rules.Backoff.Wait(r.Health.Attempts, t.RetryAfter, t.Draw))
	if r.Judge == "" && rules.Mode != Off && r.Health.spent(rules, t.end()) {
		r.Judge = Spent
	}
}

// heal takes in that the endpoint took an event.
func (r *Record) heal(at time.Time) {
	if !r.Told.IsZero() {
		r.Outbox = append(r.Outbox, Notice{Kind: Recovered, At: at, Since: r.Told})
	}
	r.Told, r.Health, r.NotBefore, r.Streak = time.Time{}, Health{}, time.Time{}, 0
	if r.Judge == Spent {
		r.Judge = ""
	}
}
