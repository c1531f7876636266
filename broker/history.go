package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/event"
)

// Head is a stored event without its body.
type Head struct {
	event.Event
	// Size is the body's, in bytes.
	Size int
}

// everyName stands for the events of all names of an account.
const everyName = "*"

// History are the stored events of an account below a sequence, 0 for all, without their bodies and newest first: those of a
// name, or all if it is empty. An error ends them. It reads directly, from any replica, so that the newest may be missing for a
// moment.
func (b *Broker) History(ctx context.Context, account, name string, before uint64) iter.Seq2[Head, error] {
	if name == "" {
		name = everyName
	}
	all := backwards(ctx, b, streamEvents, event.Subject(account, name), before, func(m *nats.Msg, _ uint64) (Head, error) {
		size := len(m.Data)
		m.Data = nil // up to a mebibyte each
		e, err := parse(m)
		return Head{e, size}, err
	})
	return func(yield func(Head, error) bool) {
		for head, err := range all {
			if noEvent := err == nil && head.Name == ""; !noEvent && !yield(head, err) {
				return
			}
		}
	}
}

// NewestEvent is the newest event of a subject: ErrNotFound if the stream holds none.
func (b *Broker) NewestEvent(ctx context.Context, account, name string) (event.Event, error) {
	return b.leader(ctx, get{Last: event.Subject(account, name)})
}

// Refused is a message that could not be delivered at all, as REJECTED keeps it.
type Refused struct {
	// Place is its place in REJECTED; later ones have a higher one. At is when it was moved there.
	Place uint64
	At    time.Time
	// Account and Name are empty if its subject was that of no event. Subject is what it was published on, or the begin of that.
	Account, Name, Subject string
	// Key is what the publisher had for a message id; Sequence is that in EVENTS.
	Key      string
	Sequence uint64
	Reason   string
	// Begin is the begin of the body; Size is how long that was, in bytes.
	Begin []byte
	Size  int
}

// shownBegin is how much is read of the body of a rejected message, in bytes.
const shownBegin = 200

// rejectedPrefix begins the subjects of what was rejected, before the message's own.
const rejectedPrefix = "rejected."

// Refusals are the kept messages that were rejected below a place, 0 for all, newest first: those of an account, or all if it is
// empty. An error ends them.
func (b *Broker) Refusals(ctx context.Context, account string, before uint64) iter.Seq2[Refused, error] {
	subject := rejectedPrefix + "events." + account + ".>"
	if account == "" {
		subject = rejectedPrefix + "events.>"
	}
	return backwards(ctx, b, streamRejected, subject, before, refusedOf)
}

func refusedOf(m *nats.Msg, place uint64) (Refused, error) {
	at, err := time.Parse(time.RFC3339Nano, added(m, "Nats-Time-Stamp"))
	if err != nil {
		return Refused{}, fmt.Errorf("read when a message was rejected: %w", err)
	}
	r := Refused{
		Place: place, At: at, Subject: strings.TrimPrefix(added(m, "Nats-Subject"), rejectedPrefix), Key: m.Header.Get("Saumer-Event-Id"),
		Reason: m.Header.Get("Saumer-Reason"), Begin: bytes.Clone(m.Data[:min(len(m.Data), shownBegin)]), Size: len(m.Data),
	}
	m.Data = nil                                                               // up to a mebibyte each
	r.Sequence, _ = strconv.ParseUint(m.Header.Get("Saumer-Sequence"), 10, 64) // what others wrote there has none
	if size, err := strconv.Atoi(m.Header.Get("Saumer-Size")); err == nil {
		r.Size = size
	}
	if account, name, err := event.ParseSubject(r.Subject); err == nil {
		r.Account, r.Name = account, name
	}
	return r, nil
}

// accountsKnown is for how long an account is known without asking, and how many are.
const (
	accountsKnown = time.Minute
	accountsKept  = 10_000
)

// knownAccounts remember accounts.
func knownAccounts() *lru.Cache[string, time.Time] {
	c, _ := lru.New[string, time.Time](accountsKept) // it fails only for a size below 1
	return c
}

// KnowsAccount says whether there is an account of a name, or was a minute ago.
func (b *Broker) KnowsAccount(ctx context.Context, name string) (bool, error) {
	if asked, ok := b.known.Get(name); ok && time.Since(asked) < accountsKnown {
		return true, nil
	}
	_, err := b.Accounts.Get(ctx, name)
	if errors.Is(err, ErrNoKey) {
		return false, nil
	}
	if err == nil {
		b.known.Add(name, time.Now())
	}
	return err == nil, err
}
