package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// Replays is what the service needs of package replay to have events sent again, and to tell of single ones.
type Replays interface {
	Redeliver(ctx context.Context, key string, seq uint64) error
	Replay(ctx context.Context, key string, from, to time.Time) (replay.Replayed, error)
	// Begin has a new webhook work off what was published before it.
	Begin(ctx context.Context, w registry.Webhook, from replay.Start) (replay.Replayed, error)
	Why(ctx context.Context, w registry.Webhook, seq uint64, entries []delivery.Entry) (replay.Answer, error)
}

var _ Replays = (*replay.Backlogs)(nil)

// Tester makes one attempt with a sample of an event, and logs it; *delivery.Sender does.
type Tester interface {
	Test(ctx context.Context, t delivery.Target, event string) delivery.Attempt
}

var _ Tester = (*delivery.Sender)(nil)

// Prober tells of endpoints; *delivery.Client does.
type Prober interface {
	// Probe connects and does the TLS handshake, and sends nothing.
	Probe(ctx context.Context, t delivery.Target) delivery.Attempt
	// Shown is the header of an attempt, for people to see.
	Shown(t delivery.Target, r delivery.Request, at time.Time) http.Header
}

var _ Prober = (*delivery.Client)(nil)

// Events reads the stream of events, and what was rejected; *broker.Broker does.
type Events interface {
	// History, FindAll, NewestEvent and Refusals tell what was published; see there.
	History(ctx context.Context, account, name string, before uint64) iter.Seq2[broker.Head, error]
	FindAll(ctx context.Context, account, name, id string) ([]uint64, error)
	NewestEvent(ctx context.Context, account, name string) (event.Event, error)
	Refusals(ctx context.Context, account string, before uint64) iter.Seq2[broker.Refused, error]
	// Erase and EraseRefused remove an event for good, and Erased says whether one was.
	Erase(ctx context.Context, e event.Event) error
	EraseRefused(ctx context.Context, account string, r broker.Refused) error
	Erased(ctx context.Context, account string, seq uint64) (time.Time, bool, error)
	FindErased(ctx context.Context, account, name, id string) (uint64, error)
	// SequenceAt is the sequence of the first event whose time is not before t, or next.
	SequenceAt(ctx context.Context, t time.Time, next uint64) (uint64, error)
	// Event returns broker.ErrNotFound for an event that the stream does not hold.
	Event(ctx context.Context, seq uint64) (event.Event, error)
	// Find looks for an event by its id: broker.ErrNotFound.
	Find(ctx context.Context, account, name, id string) (uint64, error)
	// Answers returns a context.DeadlineExceeded if NATS does not answer until the context ends, or has been gone for a while.
	Answers(ctx context.Context) error
}

var _ Events = (*broker.Broker)(nil)

// Secret is a new secret, in the clear this once.
type Secret struct {
	Secret string
	// PreviousUntil is until when the secret before it signs too.
	PreviousUntil time.Time
	// Unindexed is set if deliveries are not signed with the new secret yet.
	Unindexed bool
}

// Rotate gives a webhook a new secret; for a day the previous one signs beside it: ErrID, record.ErrNotFound or
// registry.ErrIndex.
func (s *Service) Rotate(ctx context.Context, acc registry.Account, id uint64) (Secret, error) {
	if id == 0 {
		return Secret{}, ErrID
	}
	_, secret, until, err := s.o.Registry.Rotate(ctx, registry.Key(acc.Name, id))
	unindexed := errors.Is(err, registry.ErrUnindexed)
	if unindexed {
		err = nil
	}
	return Secret{secret, until, unindexed}, s.noted(ctx, acc, "RotateSecret", named(id), err)
}

// Test sends a sample of its event to a webhook, once, active or not, and returns what came of it, as the attempt log has
// it. It is no event, and says nothing of the webhook's health: ErrID or record.ErrNotFound. The position is 0 if the log cannot be read.
func (s *Service) Test(ctx context.Context, acc registry.Account, id uint64) (delivery.Entry, error) {
	w, t, err := s.target(ctx, acc, id)
	if err != nil {
		return delivery.Entry{}, err
	}
	if err := s.spend(acc, tests); err != nil {
		return delivery.Entry{}, err
	}
	made := delivery.Entry{Attempt: s.o.Tester.Test(ctx, t, s.example(w))}
	// It was made, whatever the log says.
	if logged, _, err := s.o.Attempts.List(ctx, w.Key(), delivery.LogFilter{ID: made.ID, Limit: 1}); err == nil && len(logged) > 0 {
		made = logged[0]
	}
	return made, s.noted(ctx, acc, "TestWebHook", named(id), nil)
}

// example is an event that the webhook is for: the first one that is known, or what the webhook has first.
func (s *Service) example(w registry.Webhook) string {
	for _, name := range s.Events() {
		if w.Takes(name) {
			return name
		}
	}
	return strings.ReplaceAll(w.EventText(), "*", "x")
}

// Probe says whether a webhook's endpoint can be reached, without a request: the outcome is delivery.Delivered if it
// can. It returns ErrID or record.ErrNotFound.
func (s *Service) Probe(ctx context.Context, acc registry.Account, id uint64) (delivery.Attempt, error) {
	_, t, err := s.target(ctx, acc, id)
	if err != nil {
		return delivery.Attempt{}, err
	}
	if err := s.spend(acc, tests); err != nil {
		return delivery.Attempt{}, err
	}
	return s.o.Prober.Probe(ctx, t), nil
}

// Exchange is an attempt with what it sent.
type Exchange struct {
	delivery.Entry
	URL string
	// Header is made anew, signed with the secrets of today; the values of the user's own headers are hidden.
	Header http.Header
	// Body is nil if the stream does not hold the event any more.
	Body []byte
}

// Exchange returns one attempt of the log by its position: ErrID, record.ErrNotFound, or ErrPosition if the log does not
// have it, or does not have it any more.
func (s *Service) Exchange(ctx context.Context, acc registry.Account, id, position uint64) (Exchange, error) {
	w, t, err := s.target(ctx, acc, id)
	if err != nil {
		return Exchange{}, err
	}
	entries, _, err := s.o.Attempts.List(ctx, w.Key(), delivery.LogFilter{Before: position + 1, Limit: 1})
	if err != nil {
		return Exchange{}, err
	}
	if len(entries) == 0 || entries[0].Position != position {
		return Exchange{}, ErrPosition
	}
	x := Exchange{Entry: entries[0], URL: w.URL}
	hops, name := 0, s.example(w)
	if x.Test {
		x.Body = event.Sample(name)
	} else if e, err := s.o.Stream.Event(ctx, x.Seq); err == nil {
		// Under the number there may be another event by now: the stream went back, or somebody else wrote the log.
		if e.Account == w.Account && w.Takes(e.Name) && (x.Published.IsZero() || e.Position().Is(x.Entry.Attempt.Position())) {
			x.Body, hops, name = e.Data, e.Hops, e.Name
		}
	} else if !errors.Is(err, broker.ErrNotFound) {
		return Exchange{}, err
	}
	x.Header = s.o.Prober.Shown(t, delivery.Request{
		Event: name, ID: x.ID, Seq: x.Seq, Data: x.Body, Number: x.Number, Replay: x.Replay, Test: x.Test, Hops: hops,
	}, x.At)
	if x.Body == nil {
		x.Header.Del("Webhook-Signature")
	}
	return x, nil
}

// Redeliver has one event sent to an active webhook again, marked as a replay, through its backlog; ref is the event. It returns the sequence, or ErrID, record.ErrNotFound, ErrReference, replay.ErrInactive,
// replay.ErrForeign, replay.ErrLeftOut, replay.ErrDropped or backlog.ErrOnTheWay.
func (s *Service) Redeliver(ctx context.Context, acc registry.Account, id uint64, ref Reference) (uint64, error) {
	w, err := s.record(ctx, acc, id)
	if err != nil {
		return 0, err
	}
	seq, _, err := s.resolve(ctx, w, ref)
	if errors.Is(err, broker.ErrNotFound) {
		err = replay.ErrDropped
	}
	if err != nil {
		return 0, err
	}
	if err := s.spend(acc, replays); err != nil {
		return 0, err
	}
	return seq, s.noted(ctx, acc, "RedeliverEvent", named(id), s.o.Replays.Redeliver(ctx, w.Key(), seq))
}

// Replay sends the events published in [from, to) to an active webhook once more, as a replay: ErrID,
// record.ErrNotFound, ErrPeriod, replay.ErrInactive or backlog.ErrTooMany. How far it is Status.Replay tells.
func (s *Service) Replay(ctx context.Context, acc registry.Account, id uint64, from, to time.Time) (replay.Replayed, error) {
	if id == 0 {
		return replay.Replayed{}, ErrID
	}
	if from.IsZero() || !from.Before(to) {
		return replay.Replayed{}, ErrPeriod
	}
	if err := s.spend(acc, replays); err != nil {
		return replay.Replayed{}, err
	}
	r, err := s.o.Replays.Replay(ctx, registry.Key(acc.Name, id), from, to)
	return r, s.noted(ctx, acc, "ReplayEvents", named(id), err)
}

// Why says why a webhook got an event, or why not; ref is the event. It returns ErrID,
// record.ErrNotFound or ErrReference.
func (s *Service) Why(ctx context.Context, acc registry.Account, id uint64, ref Reference) (replay.Answer, error) {
	w, err := s.record(ctx, acc, id)
	if err != nil {
		return replay.Answer{}, err
	}
	seq, entries, err := s.resolve(ctx, w, ref)
	if errors.Is(err, broker.ErrNotFound) {
		return replay.Answer{Reason: replay.Unknown, Text: fmt.Sprintf("The stream has no event %q for this webhook.", ref.ID)}, nil
	}
	if err != nil {
		return replay.Answer{}, err
	}
	return s.o.Replays.Why(ctx, w, seq, entries)
}

// Reference is what people name an event by: its stream sequence, or, where that is 0, its id. An id that no event has and
// that is a number is taken for the sequence.
type Reference struct {
	ID       string
	Sequence uint64
}

// resolve finds the sequence that a reference means, and the entries of the log for the event, newest first. It returns
// ErrReference, or broker.ErrNotFound for an id that is not found.
func (s *Service) resolve(ctx context.Context, w registry.Webhook, ref Reference) (uint64, []delivery.Entry, error) {
	if (ref.ID == "") == (ref.Sequence == 0) || len(ref.ID) > maxReference {
		return 0, nil, ErrReference
	}
	all, _, err := s.o.Attempts.List(ctx, w.Key(), delivery.LogFilter{})
	if err != nil {
		return 0, nil, err
	}
	seq := ref.Sequence
	if seq == 0 {
		if seq, err = s.sequence(ctx, w, ref.ID, all); err != nil {
			return 0, nil, err
		}
	}
	entries := make([]delivery.Entry, 0, 1)
	for _, e := range all {
		if e.Seq == seq && (ref.ID == "" || e.ID == ref.ID || strconv.FormatUint(seq, 10) == ref.ID) {
			entries = append(entries, e)
		}
	}
	return seq, entries, nil
}

// sequence finds the sequence of an id: in the log, in the id itself, or in the stream. It returns broker.ErrNotFound.
func (s *Service) sequence(ctx context.Context, w registry.Webhook, id string, log []delivery.Entry) (uint64, error) {
	if i := slices.IndexFunc(log, func(e delivery.Entry) bool { return e.ID == id && e.Seq != 0 }); i >= 0 {
		return log[i].Seq, nil
	}
	if p, ok := event.PositionOf(id); ok {
		e, err := s.o.Stream.Event(ctx, p.Seq)
		if err == nil && !e.Position().Is(p) {
			err = broker.ErrNotFound
		}
		return p.Seq, err
	}
	seq, err := strconv.ParseUint(id, 10, 64)
	if err != nil || seq == 0 {
		return s.o.Stream.Find(ctx, w.Account, w.Event, id)
	}
	return seq, nil
}

func (s *Service) target(ctx context.Context, acc registry.Account, id uint64) (registry.Webhook, delivery.Target, error) {
	w, err := s.record(ctx, acc, id)
	if err != nil {
		return w, delivery.Target{}, err
	}
	t, err := s.o.Registry.Target(w)
	return w, t, err
}

// maxReference is the longest reference to an event, in bytes.
const maxReference = 512
