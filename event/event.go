// Package event is what travels: the event, its type and subject, its id, samples, and publishing.
package event

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// MaxSize is the largest body of an event, in bytes; it is nats-server's default max_payload.
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
	ErrSize    = fmt.Errorf("the body is larger than %d bytes", MaxSize)
)

var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	accountForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
)

// Event is one thing that happened, as it is stored in the stream EVENTS.
type Event struct {
	// Account owns the event and the webhooks that it is for.
	Account string
	// Name is the event's type, such as optin_finalized.
	Name string
	// ID is the publisher's id where it gave one, else the stream sequence in decimal.
	ID string
	// Seq is the event's sequence in the stream, from 1.
	Seq uint64
	// Time is the stream's own time stamp of the event.
	Time time.Time
	// Data is the body, a JSON value, delivered byte for byte.
	Data []byte
}

// ValidName says whether name can be an event's name: ErrName if not.
func ValidName(name string) error {
	if !nameForm.MatchString(name) {
		return ErrName
	}
	return nil
}

// ValidAccount says whether name can be an account's name: ErrAccount if not.
func ValidAccount(name string) error {
	if !accountForm.MatchString(name) {
		return ErrAccount
	}
	return nil
}

// Subject is the NATS subject that events of this name are published on.
func Subject(account, name string) string { return "events." + account + "." + name }

// ParseSubject takes a subject apart into account and event name.
// It returns ErrSubject, ErrAccount or ErrName.
func ParseSubject(subject string) (account, name string, err error) {
	parts := strings.Split(subject, ".")
	if len(parts) != 3 || parts[0] != "events" {
		return "", "", ErrSubject
	}
	if err := ValidAccount(parts[1]); err != nil {
		return "", "", err
	}
	if err := ValidName(parts[2]); err != nil {
		return "", "", err
	}
	return parts[1], parts[2], nil
}

// New makes the event of a stored message. It returns the errors of ParseSubject; the body is not looked at.
func New(subject string, header nats.Header, data []byte, seq uint64, at time.Time) (Event, error) {
	account, name, err := ParseSubject(subject)
	if err != nil {
		return Event{}, err
	}
	id := strings.TrimPrefix(header.Get(nats.MsgIdHdr), account+":")
	if id == "" {
		id = strconv.FormatUint(seq, 10)
	}
	return Event{Account: account, Name: name, ID: id, Seq: seq, Time: at, Data: data}, nil
}
