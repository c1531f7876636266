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
		e, err := s.event(ctx, acc, f.ID)
		if errors.Is(err, ErrNoEvent) || errors.Is(err, ErrErased) {
			return nil, 0, nil
		}
		if err == nil && f.keeps(e) {
			found = append(found, broker.Head{Event: e, Size: len(e.Data)})
		}
		return found, 0, err
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

func (f HistoryFilter) keeps(e event.Event) bool {
	return (f.Name == "" || e.Name == f.Name) && !e.Time.Before(f.From) && (f.To.IsZero() || e.Time.Before(f.To)) && (f.Before == 0 || e.Seq < f.Before)
}

// event finds an event of the account by its id, or by its sequence if no event has the number for an id: ErrNoEvent or ErrErased.
func (s *Service) event(ctx context.Context, acc registry.Account, ref string) (event.Event, error) {
	e, err := s.eventByID(ctx, acc, ref)
	if seq, wrong := strconv.ParseUint(ref, 10, 64); errors.Is(err, ErrNoEvent) && wrong == nil {
		return s.eventAt(ctx, acc, seq)
	}
	return e, err
}

// eventByID finds an event of the account: ErrNoEvent, or ErrErased with its sequence.
func (s *Service) eventByID(ctx context.Context, acc registry.Account, id string) (event.Event, error) {
	if id == "" || len(id) > maxReference {
		return event.Event{}, ErrNoEvent
	}
	seq, err := s.o.Stream.FindAny(ctx, acc.Name, id)
	if errors.Is(err, broker.ErrNotFound) {
		if seq, err = s.o.Stream.FindErased(ctx, acc.Name, id); err == nil {
			return event.Event{Account: acc.Name, ID: id, Seq: seq}, ErrErased
		}
	}
	if errors.Is(err, broker.ErrNotFound) {
		return event.Event{}, ErrNoEvent
	}
	if err != nil {
		return event.Event{}, err
	}
	return s.eventAt(ctx, acc, seq)
}

// eventAt is eventByID for a sequence.
func (s *Service) eventAt(ctx context.Context, acc registry.Account, seq uint64) (event.Event, error) {
	e, err := s.o.Stream.Event(ctx, seq)
	switch {
	case err == nil && e.Account == acc.Name:
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

// Event returns one event with its deliveries to every webhook of the account: ErrNoEvent or ErrErased.
func (s *Service) Event(ctx context.Context, acc registry.Account, ref string) (Told, error) {
	e, err := s.event(ctx, acc, ref)
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

// EraseEvent removes an event of the account for good: its body from the stream, or from what was rejected, and what endpoints
// answered to it from the attempt logs. Deliveries, retries and replays pass it over; an attempt that is under way is not called
// back. The reference has an id, or a sequence; a number is not taken for both. It returns the sequence, or ErrNoEvent. One that
// was erased already is erased again, so that what was cut off is finished.
func (s *Service) EraseEvent(ctx context.Context, acc registry.Account, ref Reference) (uint64, error) {
	var e event.Event
	var err error
	if ref.Sequence != 0 {
		e, err = s.eventAt(ctx, acc, ref.Sequence)
	} else {
		e, err = s.eventByID(ctx, acc, ref.ID)
	}
	switch {
	case errors.Is(err, ErrNoEvent):
		if e.Seq, err = s.eraseRejected(ctx, acc, ref); err != nil {
			return 0, err
		}
	case err == nil:
		if err := s.o.Stream.Erase(ctx, e); err != nil {
			return 0, err
		}
	case !errors.Is(err, ErrErased):
		return 0, err
	}
	webhooks, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return 0, err
	}
	for _, w := range webhooks {
		if err := s.o.Attempts.Erase(ctx, w.Key(), e.Seq); err != nil {
			return 0, fmt.Errorf("erase event %d from the attempt log of %s: %w", e.Seq, w.Key(), err)
		}
	}
	return e.Seq, s.noted(ctx, acc, "EraseEvent", strconv.FormatUint(e.Seq, 10), nil)
}

// eraseRejected erases a message that was rejected, by the sequence that it had, or by its publisher's message id: ErrNoEvent.
func (s *Service) eraseRejected(ctx context.Context, acc registry.Account, ref Reference) (uint64, error) {
	for r, err := range s.o.Stream.Refusals(ctx, acc.Name, 0) {
		if err != nil {
			return 0, err
		}
		if r.Sequence != 0 && (r.Sequence == ref.Sequence || r.Key != "" && r.Key == ref.ID) {
			return r.Sequence, s.o.Stream.EraseRefused(ctx, acc.Name, r)
		}
	}
	return 0, ErrNoEvent
}

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
