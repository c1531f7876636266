package backlog

import (
	"time"

	"github.com/saumer/saumer/event"
)

// Health is how the endpoint as a whole has done since its last success. The zero value is a healthy endpoint.
type Health struct {
	// Attempts counts the failures without a success between them; Since is when the first of them was.
	Attempts int       `json:"attempts,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Last is what the last failure was, in a sentence.
	Last string `json:"last,omitempty"`
	// Event is the one whose failures are counted, and Events how many different ones failed. Whole says that these are enough:
	// the endpoint as a whole fails, and is left in peace. Until then each event backs off by itself.
	Event  event.Position `json:"event,omitzero"`
	Events int            `json:"events,omitempty"`
	Whole  bool           `json:"whole,omitempty"`
	// Met counts, while that is so, the failures of events that the endpoint had not met before, and one for what proved it.
	Met int `json:"met,omitempty"`
}

// Failing says whether the last attempt failed.
func (h Health) Failing() bool { return h.Attempts > 0 }

// of says whether it is this event whose failures are counted.
func (h Health) of(p event.Position) bool { return h.Event.Seq == p.Seq && !other(h.Event, p) }

// with is the health after one more failure.
func (h Health) with(t Try) Health {
	if h.Attempts == 0 {
		h.Since = t.end()
	}
	h.Attempts++
	h.Last = t.Error
	return h
}

// spent says whether the endpoint has failed long enough and often enough for its webhook to be deactivated.
func (h Health) spent(rules *Rules, now time.Time) bool {
	return h.Failing() && h.Attempts >= rules.Attempts && now.Sub(h.Since) >= rules.After
}
