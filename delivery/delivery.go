// Package delivery is one attempt to one target, and how long to wait before the next: sign, dial safely, POST,
// classify; backoff.
//
// It knows no webhook and no backlog: a [Target] says where to and with which secrets.
package delivery

import (
	"time"

	"github.com/saumer/saumer/event"
)

// Target is where an attempt goes to.
type Target struct {
	// Key names the webhook among all, such as "demo.7"; slots and the attempt log are kept by it.
	Key string
	// ID is the webhook's id, sent as Saumer-Webhook.
	ID string
	// URL is absolute, http or https.
	URL string
	// Secrets sign the request, the newest first; each is the decoded part of a whsec_ secret. None: no signature.
	// From Retire on, unless it is zero, only the newest is used to sign.
	Secrets [][]byte
	Retire  time.Time
	// Headers are the user's own; they cannot replace Saumer's.
	Headers map[string]string
	// Timeout bounds the whole attempt, from dialing to the end of the response; 0 is the client's default.
	Timeout time.Duration
	// MaxInFlight bounds the attempts in flight at once in this process; 0 is the default.
	MaxInFlight int
}

// Request is the event of an attempt.
type Request struct {
	// Event is the event's name, ID its id, Seq its stream sequence, Data its body, sent byte for byte.
	Event, ID string
	Seq       uint64
	Data      []byte
	// Published is the stream's time stamp of the event.
	Published time.Time
	// Number counts the attempts of this event to this webhook, from 1.
	Number int
	// Replay is true if the event is sent again because somebody asked for that: activated the webhook with its replay,
	// had a period replayed, or the event redelivered.
	Replay bool
	// Test is true for a sample that is no event: somebody tries the webhook.
	Test bool
	// Hops are the event's; the delivery says one more.
	Hops int
}

// Position of the attempt's event in the stream.
func (a *Attempt) Position() event.Position { return event.Position{Seq: a.Seq, Time: a.Published} }

// signers are the secrets that sign at a time.
func (t *Target) signers(at time.Time) [][]byte {
	if len(t.Secrets) > 1 && !t.Retire.IsZero() && !at.Before(t.Retire) {
		return t.Secrets[:1]
	}
	return t.Secrets
}

// Outcome is how an attempt ended. Its text is what the attempt log and the API show.
type Outcome string

// The outcomes.
const (
	Delivered   Outcome = "delivered"   // 2xx
	Gone        Outcome = "gone"        // 410: the endpoint wants no more
	Redirect    Outcome = "redirect"    // 3xx: not followed
	Status      Outcome = "status"      // any other status that answers only for this event
	Unavailable Outcome = "unavailable" // 408, 425, 429, 502 to 504, 507, 509, 520 to 530: the endpoint is there and takes nothing
	DNS         Outcome = "dns"         // the host's name was not resolved
	Refused     Outcome = "refused"     // the connection was refused or could not be made
	TLS         Outcome = "tls"         // the handshake failed or the certificate is not trusted
	Timeout     Outcome = "timeout"     // the attempt's time was over
	Broken      Outcome = "broken"      // the connection broke, or what came back is not HTTP
	Forbidden   Outcome = "forbidden"   // the host's address is not one that Saumer may dial
	Slow        Outcome = "slow"        // not an attempt: the webhook did not keep up, and its backlog has the event
	Busy        Outcome = "busy"        // not an attempt: the webhook has more events than its share, and its backlog has the event
	Aborted     Outcome = "aborted"     // our own stop cut it off; says nothing of the endpoint
)

// Class is what an outcome means for the event and for the webhook.
type Class int

// The classes.
const (
	Success     Class = iota // done
	Rejected                 // the endpoint answered, and not with 2xx: this event backs off by itself
	Unreachable              // the endpoint as a whole takes nothing: the webhook backs off
	Ended                    // 410: the webhook is deactivated at once
	Cut                      // our own stop: to be attempted again, counts for nothing
	Untried                  // no attempt: the event is in the backlog, and nothing is said of the endpoint
)

// Class of the outcome.
func (o Outcome) Class() Class {
	switch o {
	case Delivered:
		return Success
	case Status, Redirect:
		return Rejected
	case Gone:
		return Ended
	case Aborted:
		return Cut
	case Slow, Busy:
		return Untried
	default:
		return Unreachable
	}
}

// Sent says whether the endpoint can have seen the event of an attempt that failed.
func (o Outcome) Sent() bool {
	switch o {
	case DNS, Refused, TLS, Forbidden, Slow, Aborted:
		return false
	default:
		return true
	}
}

// Attempt is what came of one attempt, in the form in which the attempt log keeps it.
type Attempt struct {
	// Seq and ID are the event's; Number counts this event's attempts, from 1.
	Seq    uint64 `json:"seq"`
	ID     string `json:"id"`
	Number int    `json:"attempt"`
	// Published is the stream's time stamp of the event, which with Seq is its position. Zero of a test, and of entries
	// that a version before wrote which did not keep it.
	Published time.Time `json:"published,omitzero"`
	Replay    bool      `json:"replay,omitempty"`
	Test      bool      `json:"test,omitempty"`
	// At is when the attempt began, Duration how long it took.
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration"`
	Outcome  Outcome       `json:"outcome"`
	// Status is the HTTP status, 0 if none came.
	Status int `json:"status,omitempty"`
	// Error says in a sentence why it is no success; it holds no secret, and of the URL no more than the host.
	Error string `json:"error,omitempty"`
	// Response is the first 1 KiB of the response's body.
	Response []byte `json:"response,omitempty"`
	// RetryAfter is how long the endpoint asked not to be called, from the end of the attempt; 0 if it did not.
	RetryAfter time.Duration `json:"retry_after,omitempty"`
}
