package broker

import (
	"slices"
	"time"

	"github.com/saumer/saumer/event"
)

// note is how far the live path was at a time, by NATS' clock: every event up to the floor was acknowledged by then.
type note struct {
	At    time.Time      `json:"at"`
	Floor event.Position `json:"floor"`
}

// trail are notes, oldest first, of somewhat more than what a loss of power may cost: with the acknowledgements of that time
// go the hand-overs to backlogs that they were given for, and the live path has to go back to before both.
type trail []note

// noteSpacing is how many notes are kept of the time that a loss of power may cost.
const noteSpacing = 16

// spacing is how long after a note the next one is due.
func spacing(costs time.Duration) time.Duration { return max(saveEvery, costs/noteSpacing) }

// due says whether a note at a time is to be taken.
func (t trail) due(at time.Time, costs time.Duration) bool {
	return len(t) == 0 || !at.Before(t[len(t)-1].At.Add(spacing(costs)))
}

// with is the trail with another note, without those that nobody needs any more: of the notes that are older than twice the
// time that a loss of power may cost, the newest is enough.
func (t trail) with(n note, costs time.Duration) trail {
	old := n.At.Add(-2 * costs)
	first := 0
	for i, known := range t {
		if !known.At.After(old) {
			first = i
		}
	}
	return append(slices.Clone(t[first:]), n)
}

// before is the newest note that is not later than a time; false if all are later.
func (t trail) before(at time.Time) (note, bool) {
	for _, n := range slices.Backward(t) {
		if !n.At.After(at) {
			return n, true
		}
	}
	return note{}, false
}

// settled says whether a loss of power would have nothing come again: the floor has been where it is for longer than such a
// loss may cost.
func (t trail) settled(floor uint64, costs time.Duration) bool {
	if len(t) == 0 {
		return false
	}
	newest := t[len(t)-1]
	n, ok := t.before(newest.At.Add(-costs))
	return ok && n.Floor.Seq == floor && newest.Floor.Seq == floor
}
