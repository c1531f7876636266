package backlog

import (
	"cmp"
	"slices"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// Waiting is a pending event: where it is in the stream, how many attempts were made, and whether it is sent as a replay
// because somebody asked for that. Its time is zero in records that came from form 1.
type Waiting struct {
	event.Position
	Attempts int
	Replay   bool
}

// Pending are events by sequence.
type Pending []Waiting

// Retry is an event that backs off by itself: it was rejected, or no other met what it met.
type Retry struct {
	event.Position
	// Attempts counts those made so far, Since is the end of the first, or the activation after which it goes on. Next is when
	// the next one is due, zero for at once. Error is what the last one was, in a sentence.
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"`
	Error    string    `json:"error,omitempty"`
	// Replay says that it is sent as a replay because somebody asked for that.
	Replay bool `json:"replay,omitempty"`
	// Suspect says that it met an endpoint which took nothing, and was not rejected.
	Suspect bool `json:"suspect,omitempty"`
	// Cleared says that the endpoint took another event since the first attempt: the failures are this event's own.
	Cleared bool `json:"cleared,omitempty"`
}

// unmet says whether no attempt was made of it.
func (w Waiting) unmet() bool { return w.Attempts == 0 }

// at finds what stands under a sequence, or where it would.
func (p Pending) at(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(p, seq, func(w Waiting, seq uint64) int { return cmp.Compare(w.Seq, seq) })
}

// pendingAt and retryAt find what waits under a sequence, or where it would.
func (r *Record) pendingAt(seq uint64) (int, bool) { return r.Pending.at(seq) }

func (r *Record) retryAt(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(r.Retries, seq, func(x Retry, seq uint64) int { return cmp.Compare(x.Seq, seq) })
}

// pending finds a pending event.
func (r *Record) pending(p event.Position) (int, bool) {
	i, found := r.pendingAt(p.Seq)
	return i, found && !other(r.Pending[i].Position, p)
}

// Retry finds a retry.
func (r *Record) Retry(p event.Position) (int, bool) {
	i, found := r.retryAt(p.Seq)
	return i, found && !other(r.Retries[i].Position, p)
}

// Attempts says how many attempts were made of a pending event.
func (r *Record) Attempts(p event.Position) int {
	if i, found := r.pending(p); found {
		return r.Pending[i].Attempts
	}
	return 0
}

// forget removes what waits under a sequence for another event: the stream went back, and does not hold that any more.
func (r *Record) forget(p event.Position) {
	if i, found := r.pendingAt(p.Seq); found && other(r.Pending[i].Position, p) {
		r.Pending = slices.Delete(r.Pending, i, i+1)
	}
	if i, found := r.retryAt(p.Seq); found && other(r.Retries[i].Position, p) {
		r.Retries = slices.Delete(r.Retries, i, i+1)
	}
}

// outdated says whether a later event waits under the sequence: the stream went back, and does not hold this one any more.
func (r *Record) outdated(p event.Position) bool {
	if i, found := r.pendingAt(p.Seq); found && other(r.Pending[i].Position, p) {
		return r.Pending[i].Time.After(p.Time)
	}
	i, found := r.retryAt(p.Seq)
	return found && other(r.Retries[i].Position, p) && r.Retries[i].Time.After(p.Time)
}

// other says whether two positions of one sequence are of different events. A time that is not known proves nothing.
func other(a, b event.Position) bool {
	return !a.Time.IsZero() && !b.Time.IsZero() && !a.Time.Equal(b.Time)
}

// settle removes an event that is done with. A span that has still to come to it passes over it.
func (r *Record) settle(p event.Position) {
	i, pending := r.pending(p)
	if pending {
		r.Pending = slices.Delete(r.Pending, i, i+1)
	}
	j, retry := r.Retry(p)
	if retry {
		r.Retries = slices.Delete(r.Retries, j, j+1)
	}
	if pending || retry {
		r.skip(p)
	}
}

// skip has the span that holds an event, if there is one, pass over it.
func (r *Record) skip(p event.Position) {
	if !r.Spanned(p) {
		return
	}
	i, other := r.Done.at(p.Seq)
	if other {
		r.Done = slices.Delete(r.Done, i, i+1) // of a stream that went back
	}
	r.Done = slices.Insert(r.Done, i, Waiting{Position: p})
}

// hold puts an event among the pending ones.
func (r *Record) hold(w Waiting) {
	r.forget(w.Position)
	if i, found := r.Retry(w.Position); found {
		w.Attempts, w.Replay = max(w.Attempts, r.Retries[i].Attempts), w.Replay || r.Retries[i].Replay
		r.Retries = slices.Delete(r.Retries, i, i+1)
	}
	i, found := r.pending(w.Position)
	if !found {
		r.Pending = slices.Insert(r.Pending, i, w)
		return
	}
	have := &r.Pending[i]
	have.Attempts, have.Replay = max(have.Attempts, w.Attempts), have.Replay || w.Replay
}

// Recall has an event wait again that failed and that the record may have forgotten, unless the webhook's last activation, nil
// for none, has left it out, or it is exhausted.
func (r *Record) Recall(u delivery.Untaken, last *Activation, rules *Rules) {
	p := u.Last.Position()
	pending, retry := r.Waits(p)
	_, done := r.Done.at(p.Seq)
	switch {
	case pending, retry, done, r.Spanned(p):
	case last != nil && last.drops(p), rules.Spent(u):
	default:
		r.hold(Waiting{p, u.Last.Number, u.Last.Replay})
	}
}

// keep has an event wait whose attempt says nothing: as a retry if it is one, else pending, with that attempt uncounted.
func (r *Record) keep(t Try) {
	p := t.Position()
	r.forget(p)
	if i, found := r.Retry(p); found {
		r.Retries[i].Replay = r.Retries[i].Replay || r.marks(t)
		return
	}
	r.hold(Waiting{p, max(t.Number-1, 0), r.marks(t)})
}

// put puts an event that failed among the retries, or, if there is no room, among the pending ones.
func (r *Record) put(t Try, rules *Rules) {
	p := t.Position()
	r.forget(p)
	end := t.end()
	retry := Retry{
		Position: p, Attempts: t.Number, Since: end, Next: end.Add(rules.Backoff.Wait(t.Number, t.RetryAfter, t.Draw)),
		Error: t.Error, Replay: r.marks(t), Suspect: t.Outcome.Class() == delivery.Unreachable,
	}
	i, found := r.Retry(p)
	if found {
		retry.Since, retry.Replay = r.Retries[i].Since, retry.Replay || r.Retries[i].Replay
		retry.Attempts, retry.Cleared = max(retry.Attempts, r.Retries[i].Attempts), r.Retries[i].Cleared
		r.Retries[i] = retry
		return
	}
	if !r.makeRoom(rules) {
		r.hold(Waiting{p, t.Number, retry.Replay})
		return
	}
	i, _ = r.retryAt(p.Seq)
	if j, waits := r.pending(p); waits {
		retry.Replay = retry.Replay || r.Pending[j].Replay
		r.Pending = slices.Delete(r.Pending, j, j+1)
	}
	r.Retries = slices.Insert(r.Retries, i, retry)
}

// wait has an event wait that met an endpoint which fails as a whole: as a retry if it is one, else pending, which takes less
// room.
func (r *Record) wait(t Try, rules *Rules) {
	if _, again := r.Retry(t.Position()); again {
		r.put(t, rules)
		return
	}
	r.hold(Waiting{t.Position(), t.Number, r.marks(t)})
}

// clear makes retries of the pending events that failed before the endpoint took one, as far as there is room: if they fail
// again, they do so by themselves.
func (r *Record) clear(at time.Time) {
	if r.Ordered {
		return
	}
	room := MaxRetries - len(r.Retries)
	r.Pending = slices.DeleteFunc(r.Pending, func(w Waiting) bool {
		if w.Attempts == 0 || room == 0 {
			return false
		}
		room--
		r.Retries = append(r.Retries, Retry{
			Position: w.Position, Attempts: w.Attempts, Since: at, Error: r.Health.Last, Replay: w.Replay, Suspect: true, Cleared: true,
		})
		return true
	})
	slices.SortFunc(r.Retries, func(a, b Retry) int { return cmp.Compare(a.Seq, b.Seq) })
}

// full says whether there are as many retries as there may be.
func (r *Record) full() bool { return len(r.Retries) >= MaxRetries }

// ripe finds the retry that ends where there is no room for another one: the oldest of those that were attempted most often,
// as often at least as before an event is exhausted, while the endpoint took others.
func (r *Record) ripe(rules *Rules) (int, bool) {
	most := -1
	for i, x := range r.Retries {
		if x.Cleared && x.Attempts >= rules.Attempts && (most < 0 || x.Attempts > r.Retries[most].Attempts) {
			most = i
		}
	}
	return most, most >= 0
}

// room says whether there is room for another retry, or can be made.
func (r *Record) room(rules *Rules) bool {
	_, ripe := r.ripe(rules)
	return !r.full() || ripe
}

// makeRoom makes room for another retry, or says false.
func (r *Record) makeRoom(rules *Rules) bool {
	if !r.full() {
		return true
	}
	i, ripe := r.ripe(rules)
	if ripe {
		r.exhausted(r.Retries[i])
	}
	return ripe
}

// Crowded says whether a pending event has to wait for room among the retries: it failed by itself before.
func (r *Record) Crowded(w Waiting) bool { return r.full() && w.Attempts > 0 && !r.Health.Whole }

// marks says whether an event that goes on waiting is to be remembered as a replay: Replay does not tell of it.
func (r *Record) marks(t Try) bool { return t.Replay && !r.Replays(t.Position()) }
