package replay

import "time"

// The states of a webhook.
const (
	Live       = "live"       // events are attempted as they are published
	Lagging    = "lagging"    // events wait in the webhook's backlog
	Inactive   = "inactive"   // deactivated: nothing is attempted until somebody activates it
	Unreadable = "unreadable" // the webhook's backlog cannot be read by this version of Saumer
)

// Status is how a webhook does at the moment.
type Status struct {
	// State is Live, Lagging, Inactive or Unreadable.
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
	// Cursor is the stream sequence from which the backlog reads on; 0 if it reads nothing. Of a backlog that has just
	// begun it is one to come: up to there the live path hands over event by event.
	Cursor uint64
	// KeptUntil is when the retention begins to drop the events that a replay would send; zero if there are none.
	KeptUntil time.Time
	// Gap is the number of stream sequences below the cursor's that the retention has dropped unsent; 0 is none.
	Gap uint64
	// Retries is how many events wait for a retry of their own.
	Retries int
	// Replay is how far the last replay is; nil if there was none since the last activation.
	Replay *Progress
}

// Progress is how far a replay is. A replay that was asked for while another one was under way continues it.
type Progress struct {
	// At is when it began, and Total how many events it then had to send.
	At    time.Time
	Total uint64
	// Done is how many of these are done with: sent, given up, or dropped by the retention. It is a count of the
	// stream as of the last checkpoint, and so never too high; it is behind by what was sent since, at most a second's
	// worth, and by what is done above the oldest event that is under way.
	Done uint64
}
