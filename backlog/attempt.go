package backlog

import (
	"slices"
	"time"

	"github.com/saumer/saumer/delivery"
)

// Try is an attempt, or what stands for one, with what was known besides when it ended. It has all that Take needs, so that
// it can be taken in again by a newer record.
type Try struct {
	delivery.Attempt
	// Streak, of an attempt of the live path, counts its events in a row that were rejected, or those that met an endpoint which
	// took nothing, this one included. Of the backlog's own attempts it is 0: the record counts these.
	Streak int
	// Taken, of the last attempt of a rejected event, says that the endpoint took others since its first.
	Taken bool
	// Well says that there was no attempt: the attempt log shows that the endpoint took an event since it began to fail, which
	// was at the time At. The log was asked after the Duration.
	Well bool
	// Witness says that the event was drawn from a span, whose cursor has not come to it.
	Witness bool
	// More says, of a witness, that the span holds others that the endpoint has not met.
	More bool
	// Missing says that there was no attempt, since the stream does not hold the event any more.
	Missing bool
	// LeftOut says that there was no attempt, since the webhook's filter leaves out the event.
	LeftOut bool
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
	Doubt               // fewer are to be under way: the event failed, or the endpoint did
	Pause               // no other is to begin in this pass, which says nothing of the endpoint
	Fail                // no other is to begin: the endpoint as a whole failed
)

// Take takes in an attempt, of the live path or of the backlog's own. A slow one without an event (sequence 0) says that the
// webhook keeps the live path waiting. A failure of an event whose sequence a later one bears says nothing: the stream went back.
func (r *Record) Take(t Try, rules *Rules) Effect {
	class := t.Outcome.Class()
	switch {
	case t.Well:
		if r.Health.Failing() && !r.Health.Since.After(t.At) {
			r.heal(t.end())
		}
		return GoOn
	case t.Missing, t.LeftOut, class != delivery.Success && r.outdated(t.Position()):
		r.settle(t.Position())
		return GoOn
	case t.Seq == 0:
		r.leave()
		return GoOn
	case class == delivery.Success:
		r.taken(t)
		return GoOn
	case r.State == Parked:
		// It was under way when the webhook was deactivated, by what is known of its endpoint now.
		r.hold(Waiting{t.Position(), t.Number, r.marks(t)})
		return Pause
	case class == delivery.Cut:
		r.keep(t)
		return Pause
	case class == delivery.Untried:
		r.hold(Waiting{t.Position(), t.Number, r.marks(t)})
		if r.leave(); t.Number == 0 {
			r.Meet()
		}
		return Pause
	}
	return r.failed(t, rules)
}

// failed takes in an attempt that failed, by what that proves: the event's failures are its own, or the endpoint's.
func (r *Record) failed(t Try, rules *Rules) Effect {
	class := t.Outcome.Class()
	switch i, again := r.Retry(t.Position()); {
	case again && r.Retries[i].Cleared:
		return r.own(t, rules)
	case class == delivery.Rejected:
		return r.rejected(t, rules)
	case class == delivery.Ended && rules.Mode != Off:
		r.put(t, rules)
		r.fail(t, rules)
		if r.Judge != Paused {
			r.Judge = Gone
		}
		return Fail
	case r.Ordered:
		return r.stuck(t, rules)
	default:
		return r.suspect(t, rules)
	}
}

// own takes in a further failure of an event of which the endpoint took others meanwhile. It says nothing of the endpoint.
func (r *Record) own(t Try, rules *Rules) Effect {
	if i, _ := r.Retry(t.Position()); r.last(t, rules) {
		r.exhaust(t, r.Retries[i])
		return GoOn
	}
	r.put(t, rules)
	if r.Ordered {
		return Pause // what follows waits for it
	}
	return GoOn
}

// suspect takes in that an event met an endpoint which took nothing. That is the endpoint's if different events meet it: two,
// or, of one that takes some and fails others, as many in a row as may be rejected. The first backs off by itself.
func (r *Record) suspect(t Try, rules *Rules) Effect {
	if r.Health.Whole || r.different(t) >= r.enough(t, rules) || !r.room(rules) {
		r.wait(t, rules)
		r.fail(t, rules)
		return Fail
	}
	r.put(t, rules)
	if _, waits := r.Retry(r.Health.Event); r.Health.Failing() && waits && !r.Health.of(t.Position()) {
		return Doubt // what fails at once counts once
	}
	r.Health.Event = t.Position()
	r.Health = r.Health.with(t)
	i, _ := r.Retry(t.Position())
	next := &r.Retries[i].Next
	*next = t.end().Add(rules.Backoff.Wait(r.Health.Attempts, t.RetryAfter, t.Draw))
	if !r.charge(t, rules) {
		return Doubt
	}
	// Nothing else was taken for so long: it stands for all.
	r.Health.Whole = true
	r.peace(t, rules)
	return Fail
}

// different counts the different events that failed since the endpoint took one, this one included. Of the live path only the
// streak counts: that it took one before this one, or has only begun, is no proof.
func (r *Record) different(t Try) int {
	n := t.Streak
	if n == 0 {
		if i, again := r.Retry(t.Position()); !again || !r.Retries[i].Suspect {
			n++
		}
		for _, x := range r.Retries {
			if x.Suspect && !x.Cleared {
				n++
			}
		}
	}
	r.Health.Events = max(r.Health.Events, n)
	return r.Health.Events
}

// enough is how many different events in a row prove that the endpoint fails: more of one that took others a while ago.
func (r *Record) enough(t Try, rules *Rules) int {
	if !r.Took.IsZero() && t.At.Sub(r.Took) < rules.FailingAfter || slices.ContainsFunc(r.Retries, func(x Retry) bool { return x.Cleared }) {
		return StreakFails
	}
	return 2
}

// stuck takes in that the event which is the next in order met an endpoint which took nothing. All that follows waits. If the
// one before was taken, and the endpoint can have seen this one each time, it is exhausted in the end. If the next one fails
// too, the webhook is judged.
func (r *Record) stuck(t Try, rules *Rules) Effect {
	i, again := r.Retry(t.Position())
	if r.last(t, rules) && t.Outcome.Sent() && r.Streak < 2 {
		r.exhaust(t, r.Retries[i])
		return GoOn
	}
	if !again {
		r.Streak++
	}
	r.put(t, rules)
	r.fail(t, rules)
	return Fail
}

// rejected takes in an event that the endpoint did not want. It backs off by itself and is exhausted after its last attempt.
// Many different ones in a row mean that the endpoint as a whole fails.
func (r *Record) rejected(t Try, rules *Rules) Effect {
	i, again := r.Retry(t.Position())
	if r.last(t, rules) {
		return r.lastRejected(t, r.Retries[i], rules)
	}
	room := again || r.room(rules)
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
	case !room, (counted || r.Health.Whole) && r.Refusing():
		r.fail(t, rules)
		return Fail
	case r.Ordered:
		return Pause // what follows waits for it
	default:
		return GoOn
	}
}

// last says whether a failure was the last one that the event may meet.
func (r *Record) last(t Try, rules *Rules) bool {
	i, found := r.Retry(t.Position())
	return found && t.Streak == 0 && t.Number >= rules.Attempts && t.end().Sub(r.Retries[i].Since) >= rules.After
}

// Last says whether an attempt is one of which Taken has to be known, and since when: the last one of a rejected event.
func (r *Record) Last(t Try, rules *Rules) (since time.Time, last bool) {
	if t.Missing || t.Outcome.Class() != delivery.Rejected || !r.last(t, rules) {
		return time.Time{}, false
	}
	i, _ := r.Retry(t.Position())
	return r.Retries[i].Since, !r.Retries[i].Cleared
}

// Doubtful says whether an attempt that failed is one before which the attempt log is to be asked whether the endpoint took
// events since it began to fail: the live path still attempts them, and the record does not know what came of that.
func (r *Record) Doubtful(t Try) bool {
	return r.State == Retrying && r.Health.Failing() && !t.Missing && t.Outcome.Class() == delivery.Unreachable
}

// lastRejected makes an event exhausted if others were taken since its first attempt. If none was, its rejections are the endpoint's.
func (r *Record) lastRejected(t Try, retry Retry, rules *Rules) Effect {
	// In order nothing can be taken meanwhile. What was taken right before it tells as much.
	if t.Taken || r.Ordered && r.Streak < 2 || rules.Mode == Off {
		r.exhaust(t, retry)
		return GoOn
	}
	r.put(t, rules)
	if !r.Health.Failing() {
		r.Health = Health{Attempts: t.Number, Since: retry.Since}
	}
	r.fail(t, rules)
	return Fail
}

// fail counts a failure of the endpoint as a whole, which is left in peace for a while. An attempt that began before such a
// time counts for nothing: what is under way at once fails once. Nor does one that proves to be the endpoint's what another
// event had met.
func (r *Record) fail(t Try, rules *Rules) {
	r.leave()
	if t.At.Before(r.NotBefore) {
		return
	}
	if h := &r.Health; h.Failing() && !h.Whole {
		h.Last = t.Error
	} else {
		*h = h.with(t)
	}
	r.Health.Whole = true
	r.peace(t, rules)
	r.charge(t, rules)
}

// peace leaves an endpoint in peace that fails as a whole: for as long as its failures in a row have it, or, where an event
// waits that it has not met, for as long as those of such events have it. So that nothing waits for what others met.
func (r *Record) peace(t Try, rules *Rules) {
	if r.Health.Met == 0 || t.Number == 1 {
		r.Health.Met++
	}
	r.NotBefore = t.end().Add(rules.Backoff.Wait(r.Health.Attempts, t.RetryAfter, t.Draw))
	r.Unmet = t.end().Add(rules.Backoff.Wait(min(r.Health.Met, r.Health.Attempts), t.RetryAfter, t.Draw))
	if t.More || slices.ContainsFunc(r.Pending, Waiting.unmet) {
		r.Meet()
	}
}

// Meet has the endpoint be left in peace no longer than until Unmet, since an event waits that it has not met. In order that one
// would wait for those before it in any case.
func (r *Record) Meet() {
	if r.Health.Whole && !r.Ordered && !r.Unmet.IsZero() && r.Unmet.Before(r.NotBefore) {
		r.NotBefore = r.Unmet
	}
}

// Hopes says whether Meet would change anything if an event came that the endpoint has not met.
func (r *Record) Hopes() bool {
	after := *r
	after.Meet()
	return !after.NotBefore.Equal(r.NotBefore)
}

// charge has the webhook judged if its endpoint has failed for long enough.
func (r *Record) charge(t Try, rules *Rules) bool {
	if r.Judge != "" || rules.Mode == Off || !r.Health.spent(rules, t.end()) {
		return false
	}
	r.Judge = Spent
	r.leave()
	return true
}

// taken takes in that the endpoint took an event.
func (r *Record) taken(t Try) {
	if r.settle(t.Position()); t.Witness {
		r.skip(t.Position())
	}
	r.heal(t.end())
}

// heal takes in that the endpoint takes events. What fails nevertheless does so by itself; what met the failure of the whole is
// due at once.
func (r *Record) heal(at time.Time) {
	if !r.Told.IsZero() {
		r.Outbox = append(r.Outbox, Notice{Kind: Recovered, At: at, Since: r.Told})
	}
	for i := range r.Retries {
		x := &r.Retries[i]
		if r.Health.Whole && x.Suspect && !x.Cleared {
			x.Next = time.Time{}
		}
		x.Cleared = true
	}
	r.clear(at)
	r.Told, r.Health, r.NotBefore, r.Unmet, r.Streak, r.Took = time.Time{}, Health{}, time.Time{}, time.Time{}, 0, at
	if r.Judge != Paused {
		r.Judge = ""
	}
}
