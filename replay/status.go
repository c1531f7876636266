package replay

import "time"

// The states of a webhook.
const (
	Live     = "live"     // events are attempted as they are published
	Lagging  = "lagging"  // events wait in the webhook's backlog
	Inactive = "inactive" // deactivated: nothing is attempted until somebody activates it
	Unknown  = "unknown"  // the webhook's backlog cannot be read by this version of Saumer
)

// Status is how a webhook does at the moment.
type Status struct {
	// State is Live, Lagging, Inactive or Unknown.
	State string
	// FailingSince is when the first of the failures without a success between them was; zero if the last attempt
	// succeeded.
	FailingSince time.Time
	// LastError says in a sentence what the last failure was; empty if the last attempt succeeded.
	LastError string
	// NextAttempt is when the backlog is attempted next; zero if nothing waits for a time.
	NextAttempt time.Time
	// Lag is how many events the webhook is behind, and Buffered how many of them a replay would send now.
	Lag, Buffered uint64
	// ReplayUntil is when the retention begins to drop the events that a replay would send; zero if there are none.
	ReplayUntil time.Time
	// Gap is the number of stream sequences below the cursor's that the retention has dropped unsent; 0 is none.
	Gap uint64
	// Retries is how many events wait for a retry of their own.
	Retries int
}
