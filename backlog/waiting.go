package backlog

import (
	"cmp"
	"slices"
	"time"

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

// Retry is a rejected event.
type Retry struct {
	event.Position
	// Attempts made so far, Since the end of the first.
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"`
	Error    string    `json:"error,omitempty"`
	// Replay says that it is sent as a replay because somebody asked for that.
	Replay bool `json:"replay,omitempty"`
}

// pending finds a pending event by its sequence.
func (r *Record) pending(p event.Position) (int, bool) {
	return slices.BinarySearchFunc(r.Pending, p.Seq, func(w Waiting, seq uint64) int { return cmp.Compare(w.Seq, seq) })
}

// Retry finds a retry by its sequence.
func (r *Record) Retry(p event.Position) (int, bool) {
	return slices.BinarySearchFunc(r.Retries, p.Seq, func(x Retry, seq uint64) int { return cmp.Compare(x.Seq, seq) })
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
	if i, found := r.pending(p); found && other(r.Pending[i].Position, p) {
		r.Pending = slices.Delete(r.Pending, i, i+1)
	}
	if i, found := r.Retry(p); found && other(r.Retries[i].Position, p) {
		r.Retries = slices.Delete(r.Retries, i, i+1)
	}
}

// other says whether two positions of one sequence are of different events. A time that is not known proves nothing.
func other(a, b event.Position) bool {
	return !a.Time.IsZero() && !b.Time.IsZero() && !a.Time.Equal(b.Time)
}

// superseded says whether a later event than this waits under its sequence: the stream went back, and does not hold this one
// any more.
func (r *Record) superseded(p event.Position) bool {
	later := func(waits event.Position) bool { return other(waits, p) && waits.Time.After(p.Time) }
	if i, found := r.pending(p); found && later(r.Pending[i].Position) {
		return true
	}
	i, found := r.Retry(p)
	return found && later(r.Retries[i].Position)
}

// settle removes an event that is done with.
func (r *Record) settle(p event.Position) {
	if i, found := r.pending(p); found {
		r.Pending = slices.Delete(r.Pending, i, i+1)
	}
	if i, found := r.Retry(p); found {
		r.Retries = slices.Delete(r.Retries, i, i+1)
	}
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

// put puts a rejected event among the retries, or, if they are full, among the pending ones.
func (r *Record) put(t Try, rules *Rules) {
	p := t.Position()
	r.forget(p)
	end := t.end()
	retry := Retry{
		Position: p, Attempts: t.Number, Since: end, Next: end.Add(rules.Backoff.Wait(t.Number, t.RetryAfter, t.Draw)),
		Error: t.Error, Replay: r.marks(t),
	}
	i, found := r.Retry(p)
	if found {
		retry.Since, retry.Replay = r.Retries[i].Since, retry.Replay || r.Retries[i].Replay
		r.Retries[i] = retry
		return
	}
	if r.full() {
		r.hold(Waiting{p, t.Number, retry.Replay})
		return
	}
	if j, waits := r.pending(p); waits {
		retry.Replay = retry.Replay || r.Pending[j].Replay
		r.Pending = slices.Delete(r.Pending, j, j+1)
	}
	r.Retries = slices.Insert(r.Retries, i, retry)
}

// full says whether there is no room for another retry.
func (r *Record) full() bool { return len(r.Retries) >= MaxRetries }

// marks says whether an event that goes on waiting is to be remembered as a replay: Replay does not tell of it.
func (r *Record) marks(t Try) bool { return t.Replay && !r.Replays(t.Position()) }
