package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

// erasedPrefix begins the subjects that say of events that they were erased: <account>.<sequence>.
const erasedPrefix = rejectedPrefix + "erased."

func erasedSubject(account string, seq uint64) string {
	return erasedPrefix + account + "." + strconv.FormatUint(seq, 10)
}

// Erase removes an event from the stream for good: NATS overwrites the bytes of its body. That it was erased is kept as long as
// the retention. It is idempotent, so that one that was cut off is finished by the next.
func (b *Broker) Erase(ctx context.Context, e event.Event) error {
	if err := b.noteErased(ctx, e.Account, e.Name, e.ID, e.Position()); err != nil {
		return err
	}
	_, err := secureDelete(ctx, b.events, e.Seq)
	return err
}

// EraseRefused is Erase for a message that was rejected, whose subject need not be that of an event, for the account that has it
// erased.
func (b *Broker) EraseRefused(ctx context.Context, account string, r Refused) error {
	if err := b.noteErased(ctx, account, r.Name, r.Key, event.Position{Seq: r.Sequence, Time: r.At}); err != nil {
		return err
	}
	rejected, err := b.JetStream.Stream(ctx, streamRejected)
	if err != nil {
		return fmt.Errorf("ask for the stream %s: %w", streamRejected, err)
	}
	_, err = secureDelete(ctx, rejected, r.Place)
	return err
}

// idOfErased and nameOfErased are the headers with the id and the name of an event that was erased. An older note, and that of
// what was rejected with the subject of no event, has no name.
const (
	idOfErased   = "Saumer-Event-Id"
	nameOfErased = "Saumer-Event"
)

// noteErased keeps that the event at a position was erased, before it is.
func (b *Broker) noteErased(ctx context.Context, account, name, id string, at event.Position) error {
	msg := &nats.Msg{Subject: erasedSubject(account, at.Seq), Header: nats.Header{
		idOfErased: {id}, nameOfErased: {name}, "Saumer-Published": {at.Time.UTC().Format(time.RFC3339Nano)},
	}}
	if _, err := b.JetStream.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("note that event %d is erased: %w", at.Seq, err)
	}
	return nil
}

// secureDelete removes a message for good; removed is false if the stream did not have it any more.
func secureDelete(ctx context.Context, stream jetstream.Stream, seq uint64) (removed bool, err error) {
	err = stream.SecureDeleteMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("erase message %d of the stream %s: %w", seq, stream.CachedInfo().Config.Name, err)
	}
	return true, nil
}

// Erased says when an event of an account was erased; false if it was not, or the retention has passed since.
func (b *Broker) Erased(ctx context.Context, account string, seq uint64) (at time.Time, was bool, err error) {
	m, err := b.ask(ctx, streamRejected, get{Last: erasedSubject(account, seq)})
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("ask whether event %d was erased: %w", seq, err)
	}
	return m.at, true, nil
}

// FindErased is the sequence of the newest event of an account that had an id and was erased: one of a name, or any if it is empty;
// ErrNotFound. It reads what is kept of all that were erased.
func (b *Broker) FindErased(ctx context.Context, account, name, id string) (uint64, error) {
	prefix := erasedPrefix + account + "."
	for seq, err := range backwards(ctx, b, streamRejected, prefix+"*", 0, func(m *nats.Msg, _ uint64) (uint64, error) {
		if had := m.Header.Get(nameOfErased); m.Header.Get(idOfErased) != id || name != "" && had != "" && had != name {
			return 0, nil
		}
		return strconv.ParseUint(strings.TrimPrefix(added(m, "Nats-Subject"), prefix), 10, 64)
	}) {
		if err != nil || seq != 0 {
			return seq, err
		}
	}
	return 0, ErrNotFound
}

// rewrites bounds how often an attempt log is read anew because somebody else changed it meanwhile.
const rewrites = 20

// RewriteAttempts has a function change the records of the attempt log of a webhook, and removes for good what they were. A
// record that it returns unchanged stays. From the first message with a changed record on, the log is appended anew in its
// order and removed where it was: positions from there on are others. An interruption in between costs the records of one message.
// Of one process, one call at a time rewrites the log of a webhook. What is gone by the time that it is to be removed is not
// appended, since another process may have appended it without what that removed: the log is read anew.
func (b *Broker) RewriteAttempts(ctx context.Context, key string, change func(record []byte) []byte) error {
	lock, _ := b.rewriting.LoadOrStore(key, make(chan struct{}, 1))
	turn := lock.(chan struct{})
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for range rewrites {
		if whole, err := b.rewriteOnce(ctx, key, change); err != nil || whole {
			return err
		}
	}
	return fmt.Errorf("the attempt log of %s changes faster than it can be written anew", key)
}

// rewriteOnce is one round of RewriteAttempts; whole is false if it has to be done over.
func (b *Broker) rewriteOnce(ctx context.Context, key string, change func(record []byte) []byte) (whole bool, err error) {
	anew, old, err := b.rewritten(ctx, key, change)
	if err != nil {
		return false, err
	}
	whole = true
	for i, m := range anew {
		removed, err := secureDelete(ctx, b.attempts, old[i])
		if err != nil {
			return false, err
		}
		if !removed {
			whole = false
			continue
		}
		if _, err := b.JetStream.PublishMsg(ctx, m); err != nil {
			return false, fmt.Errorf("write the attempt log of %s anew: %w", key, err)
		}
	}
	return whole, nil
}

// rewritten are the messages of the attempt log of a webhook from the first one with a changed record on, and the sequences of
// what they take the place of.
func (b *Broker) rewritten(ctx context.Context, key string, change func(record []byte) []byte) (anew []*nats.Msg, old []uint64, err error) {
	for from := uint64(1); ; {
		messages, err := b.direct(ctx, streamAttempts, get{Seq: from, Next: attemptsPrefix + key, Batch: attemptsAtOnce, Bytes: 4 << 20})
		if err != nil {
			return nil, nil, fmt.Errorf("read the attempt log of %s: %w", key, err)
		}
		if len(messages) == 0 {
			return anew, old, nil
		}
		for _, m := range messages {
			seq, err := sequence(m)
			if err != nil {
				return nil, nil, fmt.Errorf("read the attempt log of %s: %w", key, err)
			}
			from = seq + 1
			records := bytes.Split(bytes.TrimSuffix(m.Data, []byte("\n")), []byte("\n"))
			changed := false
			for i, r := range records {
				records[i] = change(r)
				changed = changed || !bytes.Equal(records[i], r)
			}
			if changed || len(old) > 0 {
				old = append(old, seq)
				anew = append(anew, &nats.Msg{Subject: attemptsPrefix + key, Data: append(bytes.Join(records, []byte("\n")), '\n')})
			}
		}
	}
}
