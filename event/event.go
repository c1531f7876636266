// Package event is what travels: the event, its type and subject, its id, samples, and publishing.
package event

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// MaxSize is the largest body of an event, in bytes. It is nats-server's default max_payload, which bounds a message with its
// headers: where that is not raised, a body is a little smaller.
const MaxSize = 1 << 20

// Defaults are the event names that every installation knows.
var Defaults = []string{"optin_finalized", "optout_finalized", "profilemanager_finalized"}

// Errors of names and bodies. Callers match them with errors.Is.
var (
	ErrName    = errors.New("invalid event name: use 1 to 64 letters, digits, '_' or '-'")
	ErrAccount = errors.New("invalid account name: use 1 to 64 lower-case letters, digits, '_' or '-', a letter or digit first")
	ErrSubject = errors.New("the subject is not events.<account>.<event>")
	ErrBody    = errors.New("the body is not a JSON value")
	ErrFull    = errors.New("the store of events is full, and this one was not stored: publish it again when there is room")
	// ErrSize is returned for a body that NATS does not take, and ErrMaxSize, which is one, for a body beyond MaxSize.
	ErrSize    = errors.New("the body is too large")
	ErrMaxSize = fmt.Errorf("%w: it is larger than %d bytes", ErrSize, MaxSize)
)

// longestName is the longest name of an event or account, in bytes.
const longestName = 64

// Event is one thing that happened, as it is stored in the stream EVENTS.
type Event struct {
	// Account owns the event and the webhooks that it is for.
	Account string
	// Name is the event's type, such as optin_finalized.
	Name string
	// ID is what receivers know the event by; see KeyID, NewID and PositionID.
	ID string
	// Seq is the event's sequence in the stream, from 1.
	Seq uint64
	// Time is the stream's own time stamp of the event.
	Time time.Time
	// Data is the body, a JSON value, delivered byte for byte.
	Data []byte
	// Hops is how many times what the event tells of went out to a webhook before it was published; see HopsHeader.
	Hops int
}

// Position is where an event is in the stream: its sequence and the stream's own time stamp of it. A stream that goes
// back (a restored backup, a loss of power) gives new events sequences that were used before, and times that were not:
// so the two together are an event's identity, and a sequence without its time is none.
type Position struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time,omitzero"`
}

// Position of the event.
func (e *Event) Position() Position { return Position{e.Seq, e.Time} }

// Is says whether both are the position of one event.
func (p Position) Is(other Position) bool { return p.Seq == other.Seq && p.Time.Equal(other.Time) }

// IsZero says whether the position is that of no event.
func (p Position) IsZero() bool { return p.Seq == 0 && p.Time.IsZero() }

// End is where a part of the stream ends. An event is before it if its sequence is lower and its time is not later than AsOf:
// what has a lower sequence and is later came after the stream had gone back, and was never part of it. The zero End is that
// of a part that is open.
type End struct {
	Seq uint64 `json:"seq"`
	// AsOf is the time of the newest event that could be before the end; zero, in records of an older form, does not bound.
	AsOf time.Time `json:"asof,omitzero"`
}

// Open says whether there is no end yet: every event is before it.
func (e End) Open() bool { return e.Seq == 0 }

// Before says whether the event at this position is before an end.
func (p Position) Before(e End) bool {
	return e.Open() || p.Seq < e.Seq && (e.AsOf.IsZero() || !p.Time.After(e.AsOf))
}

// ValidName says whether name can be an event's name: ErrName if not.
func ValidName(name string) error {
	if name == "" || len(name) > longestName {
		return ErrName
	}
	for i := range len(name) {
		if c := name[i]; !lower(c) && !mark(c) && (c < 'A' || c > 'Z') {
			return ErrName
		}
	}
	return nil
}

// lower says whether c is a lower-case letter or a digit, and mark whether it is what may stand between them.
func lower(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
func mark(c byte) bool  { return c == '_' || c == '-' }

// ValidAccount says whether name can be an account's name: ErrAccount if not.
func ValidAccount(name string) error {
	if name == "" || len(name) > longestName || !lower(name[0]) {
		return ErrAccount
	}
	for i := range len(name) {
		if c := name[i]; !lower(c) && !mark(c) {
			return ErrAccount
		}
	}
	return nil
}

// Subject is the NATS subject that events of this name are published on.
func Subject(account, name string) string { return "events." + account + "." + name }

// ParseSubject takes a subject apart into account and event name.
// It returns ErrSubject, ErrAccount or ErrName.
func ParseSubject(subject string) (account, name string, err error) {
	names, ok := strings.CutPrefix(subject, "events.")
	account, name, more := strings.Cut(names, ".")
	if !ok || !more || strings.Contains(name, ".") {
		return "", "", ErrSubject
	}
	if err := ValidAccount(account); err != nil {
		return "", "", err
	}
	if err := ValidName(name); err != nil {
		return "", "", err
	}
	return account, name, nil
}

// New makes the event of a stored message. It returns the errors of ParseSubject; the body is not looked at.
func New(subject string, header nats.Header, data []byte, seq uint64, at time.Time) (Event, error) {
	account, name, err := ParseSubject(subject)
	if err != nil {
		return Event{}, err
	}
	id := idOf(account, header, Position{seq, at})
	return Event{Account: account, Name: name, ID: id, Seq: seq, Time: at, Data: data, Hops: hopsOf(header)}, nil
}
