package registry

import (
	"time"

	"github.com/saumer/saumer/delivery"
)

// Health is how a webhook's attempts have gone since the last success. Its zero value is a healthy webhook.
type Health struct {
	// Attempts counts the failures without a success between them; Since is when the first of them was.
	Attempts int       `json:"attempts,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Last is what the last failure was, in a sentence, and At when.
	Last string    `json:"last,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// Policy is when a webhook that fails is deactivated.
type Policy struct {
	// After is how long it must have failed without a break, and Attempts how often.
	After    time.Duration
	Attempts int
}

// Failing says whether the last attempt failed.
func (h Health) Failing() bool { return h.Attempts > 0 }

// With is the health after one more attempt. An attempt that our own stop cut off changes nothing.
func (h Health) With(a delivery.Attempt) Health {
	switch a.Outcome.Class() {
	case delivery.Success:
		return Health{}
	case delivery.Cut:
		return h
	}
	end := a.At.Add(a.Duration)
	if h.Attempts == 0 {
		h.Since = end
	}
	h.Attempts++
	h.Last, h.At = a.Error, end
	return h
}

// Spent says whether the webhook has failed long enough and often enough to be deactivated.
func (h Health) Spent(p Policy, now time.Time) bool {
	return h.Failing() && h.Attempts >= p.Attempts && now.Sub(h.Since) >= p.After
}
