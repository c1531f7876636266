package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// HistoryFilter says which events to list.
type HistoryFilter struct {
	// Name keeps only the events of this name, ID the event with this id or sequence. Empty keeps all.
	Name, ID string
	// From and To keep only what was published in [From, To); zero sets no bound.
	From, To time.Time
	// Before leaves out the sequences from this one on; 0 leaves out none. Limit is the most to list.
	Before uint64
	Limit  int
}

// History lists the account's events that the stream keeps, newest first, and the filter's Before for the next page, 0 if there
// is none.
func (s *Service) History(ctx context.Context, acc registry.Account, f HistoryFilter) (found []broker.Head, next uint64, err error) {
	if f.ID != "" {
		return s.historyOf(ctx, acc, f)
	}
	before := f.Before
	if !f.To.IsZero() {
		end, err := s.o.Stream.SequenceAt(ctx, f.To, math.MaxUint64)
		if err != nil {
			return nil, 0, err
		}
		if before == 0 || end < before {
			before = end
		}
	}
	for head, err := range s.o.Stream.History(ctx, acc.Name, f.Name, before) {
		switch {
		case err != nil:
			return nil, 0, err
		case head.Time.Before(f.From):
			return found, 0, nil
		case len(found) == f.Limit:
			return found, found[len(found)-1].Seq, nil
		}
		found = append(found, head)
	}
	return found, 0, nil
}

// historyOf is History for an id.
func (s *Service) historyOf(ctx context.Context, acc registry.Account, f HistoryFilter) (found []broker.Head, next uint64, err error) {
	e, err := s.event(ctx, acc, f.Name, f.ID)
	sequences, several := errors.AsType[severalError](err)
	switch {
	case errors.Is(err, ErrNoEvent) || errors.Is(err, ErrErased):
		return nil, 0, nil
	case err != nil && !several:
		return nil, 0, err
	case !several:
		sequences = severalError{e.Seq}
	}
	for _, seq := range slices.Backward(sequences) {
		e, err := s.eventAt(ctx, acc, f.Name, seq)
		switch {
		case errors.Is(err, ErrNoEvent) || errors.Is(err, ErrErased): // it went away meanwhile
		case err != nil:
			return nil, 0, err
		case !f.keeps(e):
		case len(found) == f.Limit:
			return found, found[len(found)-1].Seq, nil
		default:
			head := broker.Head{Event: e, Size: len(e.Data)}
			head.Data = nil // up to a mebibyte each
			found = append(found, head)
		}
	}
	return found, 0, nil
}

func (f HistoryFilter) keeps(e event.Event) bool {
	return !e.Time.Before(f.From) && (f.To.IsZero() || e.Time.Before(f.To)) && (f.Before == 0 || e.Seq < f.Before)
}

// severalError is ErrSeveral with their sequences, oldest first.
type severalError []uint64

func (e severalError) Error() string {
	parts := make([]string, len(e))
	for i, seq := range e {
		parts[i] = strconv.FormatUint(seq, 10)
	}
	return fmt.Sprintf("%v; the sequences are %s", ErrSeveral, strings.Join(parts, ", "))
}

func (e severalError) Is(target error) bool { return target == ErrSeveral }

// event finds an event of the account by its id, or by its sequence if no event has the number for an id: ErrNoEvent, ErrErased or
// ErrSeveral. It is one of a name; an empty one stands for all.
func (s *Service) event(ctx context.Context, acc registry.Account, name, ref string) (event.Event, error) {
	e, err := s.eventByID(ctx, acc, name, ref)
	if seq, wrong := strconv.ParseUint(ref, 10, 64); errors.Is(err, ErrNoEvent) && wrong == nil {
		return s.eventAt(ctx, acc, name, seq)
	}
	return e, err
}

// eventByID is event for an id only. ErrErased comes with the sequence.
func (s *Service) eventByID(ctx context.Context, acc registry.Account, name, id string) (event.Event, error) {
	if id == "" || len(id) > maxReference {
		return event.Event{}, ErrNoEvent
	}
	switch found, err := s.o.Stream.FindAll(ctx, acc.Name, name, id); {
	case err != nil:
		return event.Event{}, err
	case len(found) > 1:
		return event.Event{}, severalError(found)
	case len(found) == 1:
		return s.eventAt(ctx, acc, name, found[0])
	}
	seq, err := s.o.Stream.FindErased(ctx, acc.Name, name, id)
	switch {
	case err == nil:
		return event.Event{Account: acc.Name, ID: id, Seq: seq}, ErrErased
	case errors.Is(err, broker.ErrNotFound):
		return event.Event{}, ErrNoEvent
	}
	return event.Event{}, err
}

// eventAt is eventByID for a sequence. Of what was erased it does not know the name.
func (s *Service) eventAt(ctx context.Context, acc registry.Account, name string, seq uint64) (event.Event, error) {
	e, err := s.o.Stream.Event(ctx, seq)
	switch {
	case err == nil && e.Account == acc.Name && (name == "" || e.Name == name):
		return e, nil
	case err == nil:
		return event.Event{}, ErrNoEvent
	case !errors.Is(err, broker.ErrNotFound):
		return event.Event{}, err
	}
	switch _, was, err := s.o.Stream.Erased(ctx, acc.Name, seq); {
	case err != nil:
		return event.Event{}, err
	case was:
		return event.Event{Account: acc.Name, Seq: seq}, ErrErased
	}
	return event.Event{}, ErrNoEvent
}

// Told is one event with what became of it.
type Told struct {
	event.Event
	// Deliveries are by webhook; those that the event is not for are left out.
	Deliveries []Delivery
}

// Delivery is what became of an event for one webhook.
type Delivery struct {
	Webhook  registry.Webhook
	Answer   replay.Answer
	Attempts []delivery.Entry
}

// Event returns one event of a name, empty for all, with its deliveries to every webhook of the account: ErrNoEvent, ErrErased or
// ErrSeveral.
func (s *Service) Event(ctx context.Context, acc registry.Account, name, ref string) (Told, error) {
	e, err := s.event(ctx, acc, name, ref)
	if err != nil {
		return Told{}, err
	}
	webhooks, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return Told{}, err
	}
	all := make([]Delivery, len(webhooks))
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(statuses)
	for i, w := range webhooks {
		g.Go(func() error {
			all[i] = Delivery{Webhook: w, Answer: replay.Answer{Reason: replay.Foreign}}
			// Most are for other events, and their logs need not be read.
			if answer, err := s.o.Replays.Why(asking, w, e.Seq, nil); err != nil || answer.Reason == replay.Foreign {
				return err
			}
			_, entries, err := s.resolve(asking, w, Reference{Sequence: e.Seq})
			if err != nil {
				return err
			}
			answer, err := s.o.Replays.Why(asking, w, e.Seq, entries)
			all[i].Answer, all[i].Attempts = answer, entries
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Told{}, err
	}
	return Told{e, slices.DeleteFunc(all, func(d Delivery) bool { return d.Answer.Reason == replay.Foreign })}, nil
}

// EraseEvent removes an event of the account for good: its body from the stream, and from what was rejected, and what endpoints
// answered to it from the attempt logs. Deliveries, retries and replays pass it over; an attempt that is under way is not called
// back. The event is one of a name, empty for all; the reference has its id, or its sequence; a number is not taken for both. It
// returns the sequence, or ErrNoEvent, or ErrSeveral. One that was erased already is erased again, so that what was cut off is
// finished.
func (s *Service) EraseEvent(ctx context.Context, acc registry.Account, name string, ref Reference) (uint64, error) {
	var e event.Event
	var err error
	if ref.Sequence != 0 {
		e, err = s.eventAt(ctx, acc, name, ref.Sequence)
	} else {
		e, err = s.eventByID(ctx, acc, name, ref.ID)
	}
	stored := err == nil
	if !stored && !errors.Is(err, ErrNoEvent) && !errors.Is(err, ErrErased) {
		return 0, err
	}
	var rejected []broker.Refused
	// What was rejected may have had a sequence that is another event's: the stream went back.
	if !stored || ref.Sequence == 0 {
		found, wrong := s.rejectedOf(ctx, acc, name, ref)
		if wrong != nil {
			return 0, wrong
		}
		rejected = found
	}
	var sequences severalError
	if stored {
		sequences = append(sequences, e.Seq)
	}
	for _, r := range rejected {
		sequences = append(sequences, r.Sequence)
	}
	slices.Sort(sequences)
	switch sequences = slices.Compact(sequences); {
	case len(sequences) > 1:
		return 0, sequences
	case len(sequences) == 1:
		e.Seq = sequences[0]
	case errors.Is(err, ErrNoEvent):
		return 0, err
	}
	if stored {
		if err := s.o.Stream.Erase(ctx, e); err != nil {
			return 0, err
		}
	}
	for _, r := range rejected {
		if err := s.o.Stream.EraseRefused(ctx, acc.Name, r); err != nil {
			return 0, err
		}
	}
	return e.Seq, s.eraseAttempts(ctx, acc, e.Seq)
}

// eraseAttempts removes what endpoints answered to an event from the attempt logs of the account.
func (s *Service) eraseAttempts(ctx context.Context, acc registry.Account, seq uint64) error {
	webhooks, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return err
	}
	for _, w := range webhooks {
		if err := s.o.Attempts.Erase(ctx, w.Key(), seq); err != nil {
			return fmt.Errorf("erase event %d from the attempt log of %s: %w", seq, w.Key(), err)
		}
	}
	return s.noted(ctx, acc, "EraseEvent", strconv.FormatUint(seq, 10), nil)
}

// rejectedOf are the messages of the account that were rejected and had a sequence, or a message id: of a name, empty for all, and
// no more than can be told of.
func (s *Service) rejectedOf(ctx context.Context, acc registry.Account, name string, ref Reference) (found []broker.Refused, err error) {
	for r, err := range s.o.Stream.Refusals(ctx, acc.Name, 0) {
		if err != nil {
			return nil, err
		}
		if r.Sequence == 0 || name != "" && r.Name != name || len(found) == maxTold {
			continue
		}
		if r.Sequence == ref.Sequence || r.Key != "" && r.Key == ref.ID {
			found = append(found, r)
		}
	}
	return found, nil
}

// maxTold is how many rejected messages with one id are told of.
const maxTold = 100

// EventType is a name of events, with a sample and the newest event that the account published.
type EventType struct {
	Name   string
	Sample []byte
	// Newest is nil if the stream holds none.
	Newest *event.Event
}

// EventTypes are the events that webhooks can be made for, by name.
func (s *Service) EventTypes(ctx context.Context, acc registry.Account) ([]EventType, error) {
	var all []EventType
	for _, name := range s.Events() {
		t := EventType{Name: name, Sample: event.Sample(name)}
		e, err := s.o.Stream.NewestEvent(ctx, acc.Name, name)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			t.Newest = &e
		}
		all = append(all, t)
	}
	return all, nil
}

// Rejected lists what could not be delivered at all, newest first, below a place, 0 for all, and where the next page begins, 0 if
// there is none: of the account, or, for an operator, of a name that need be no account's, and of all for none.
func (s *Service) Rejected(ctx context.Context, acc registry.Account, of string, before uint64, limit int) (found []broker.Refused, next uint64, err error) {
	switch {
	case !acc.Operator && of != "" && of != acc.Name:
		return nil, 0, ErrOperatorOnly
	case !acc.Operator:
		of = acc.Name
	case of != "":
		if err := event.ValidAccount(of); err != nil {
			return nil, 0, fmt.Errorf("%w: account is the name of one", ErrFilter)
		}
	}
	for r, err := range s.o.Stream.Refusals(ctx, of, before) {
		if err != nil {
			return nil, 0, err
		}
		if len(found) == limit {
			return found, found[limit-1].Place, nil
		}
		found = append(found, r)
	}
	return found, 0, nil
}

// ErrOperatorOnly is returned for what only an operator's account may see.
var ErrOperatorOnly = errors.New("only an operator's account sees what was rejected of others")

// shownData is a body as JSON has it; nil if there is none, or it is not JSON.
func shownData(data []byte) json.RawMessage {
	if len(data) == 0 || event.Check(data) != nil {
		return nil
	}
	return bytes.ToValidUTF8(data, []byte("\uFFFD"))
}

// GetEvents lists events.
var GetEvents = define(Function{
	Name: "GetEvents", Method: http.MethodGet, Path: "/v1/events",
	Doc:   "Lists the account's events that are kept, newest first, without their data.",
	codes: []Code{{2, http.StatusBadRequest, "invalid filter", ErrFilter, true}},
}, func(in *HistoryFilter) []Parameter {
	return []Parameter{
		text(Parameter{Name: "name", In: InQuery, Kind: KindEvent, Doc: "Only events of this name."}, &in.Name),
		text(Parameter{Name: "id", In: InQuery, Doc: "Only the event with this id, or with this stream sequence if no event has the number for an id."}, &in.ID),
		moment(Parameter{Name: "from", In: InQuery, Doc: "Only events published at this time or later."}, &in.From, fmt.Errorf("%w: from is a time such as 2026-03-01T12:00:00Z", ErrFilter)),
		moment(Parameter{Name: "to", In: InQuery, Doc: "Only events published before this time."}, &in.To, fmt.Errorf("%w: to is a time such as 2026-03-01T12:00:00Z", ErrFilter)),
		pageLimit(&in.Limit), pageBefore(&in.Before),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in HistoryFilter) (heads, error) {
	if in.Name != "" {
		if err := event.ValidName(in.Name); err != nil {
			return heads{}, fmt.Errorf("%w: %w", ErrFilter, err)
		}
	}
	found, next, err := s.History(ctx, acc, in)
	return heads{found, next}, err
}, as(func(h heads) eventPage {
	return eventPage{each(h.found, eventHeadOf), nextPage(h.next)}
}))

// heads are a page of events, and where the next one begins.
type heads struct {
	found []broker.Head
	next  uint64
}

type eventPage struct {
	Events []eventHead `json:"events"`
	Next   *uint64     `json:"next"`
}

// eventHead is an event on the wire without its data.
type eventHead struct {
	ID        string `json:"id"`
	Sequence  uint64 `json:"sequence"`
	Event     string `json:"event"`
	Published stamp  `json:"published"`
	Size      int    `json:"size"`
	Hops      int    `json:"hops"`
}

func eventHeadOf(h broker.Head) eventHead {
	return eventHead{h.ID, h.Seq, h.Name, stamp(h.Time), h.Size, h.Hops}
}
