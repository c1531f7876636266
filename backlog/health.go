package backlog

import "time"

// Health is how the endpoint as a whole has done since its last success. The zero value is a healthy endpoint.
type Health struct {
	// Attempts counts the failures without a success between them; Since is when the first of them was.
	Attempts int       `json:"attempts,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Last is what the last failure was, in a sentence.
	Last string `json:"last,omitempty"`
}

// Failing says whether the last attempt failed.
func (h Health) Failing() bool { return h.Attempts > 0 }

// with is the health after one more failure.
func (h Health) with(t Try) Health {
	if h.Attempts == 0 {
		h.Since = t.end()
	}
	return Health{Attempts: h.Attempts + 1, Since: h.Since, Last: t.Error}
}

// spent says whether the endpoint has failed long enough and often enough for its webhook to be deactivated.
func (h Health) spent(rules *Rules, now time.Time) bool {
	return h.Failing() && h.Attempts >= rules.Attempts && now.Sub(h.Since) >= rules.After
}
