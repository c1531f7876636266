package registry

import "time"

// NewsKind says what is new.
type NewsKind string

// The kinds of news.
const (
	NewsFailing     NewsKind = "failing"         // the webhook has been failing for a while
	NewsDeactivated NewsKind = "deactivated"     // it failed for too long and gets no events any more
	NewsRecovered   NewsKind = "recovered"       // it took an event again after either
	NewsExhausted   NewsKind = "exhausted"       // events were given up
	NewsReachable   NewsKind = "reachable-again" // the inactive webhook's host accepts connections again
)

// News is a change in how a webhook does that people are told of. Kind and At tell two news of a webhook apart.
type News struct {
	Kind NewsKind  `json:"kind"`
	At   time.Time `json:"at"`
	// Since is when the first of the failures was, Reason what the last was, in a sentence.
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// Deactivation is when a webhook that fails will be deactivated; zero: not by itself.
	Deactivation time.Time `json:"deactivation,omitzero"`
	// Seqs are the events that were given up, Attempts those of the last of them.
	Seqs     []uint64 `json:"seqs,omitempty"`
	Attempts int      `json:"attempts,omitempty"`
	// Buffered is how many events wait for the webhook, counted when people are told.
	Buffered uint64 `json:"-"`
}
