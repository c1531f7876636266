package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

var codeNoEvent = Code{2, http.StatusNotFound, ErrNoEvent.Error(), ErrNoEvent, false}

// GetEvent shows one event.
var GetEvent = define(Function{
	Name: "GetEvent", Method: http.MethodGet, Path: "/v1/events/{event}",
	Doc: "Shows one event with its data, and what became of it for each webhook that it is for.",
	codes: []Code{
		codeNoEvent,
		{3, http.StatusGone, ErrErased.Error(), ErrErased, false},
		{4, http.StatusConflict, ErrSeveral.Error(), ErrSeveral, true},
	},
}, oneEvent, func(ctx context.Context, s *Service, acc registry.Account, in oneEventInput) (Told, error) {
	return s.Event(ctx, acc, in.name, in.event)
}, as(func(t Told) toldEvent {
	return toldEvent{
		eventHeadOf(broker.Head{Event: t.Event, Size: len(t.Data)}), shownData(t.Data),
		each(t.Deliveries, func(d Delivery) eventDelivery {
			return eventDelivery{d.Webhook.ID, d.Webhook.App, d.Answer.Reason, d.Answer.Text, each(d.Attempts, attemptOf)}
		}),
	}
}))

type oneEventInput struct{ event, name string }

// oneEvent is the parameter that says which event.
func oneEvent(in *oneEventInput) []Parameter {
	return []Parameter{
		text(Parameter{Name: "event", In: InPath, Required: true, Doc: "The event's id; or its stream sequence, if no event has the number for an id."}, &in.event),
		nameOfEvent(&in.name),
	}
}

// nameOfEvent is the parameter that says which one of several events with an id.
func nameOfEvent(into *string) Parameter {
	p := text(Parameter{Name: "name", In: InQuery, Kind: KindEvent, Doc: "Only an event of this name: events of several names may have one id."}, into)
	p.text = func(text string) error {
		if err := event.ValidName(text); err != nil {
			return fmt.Errorf("%w: name: %w", errRequest, err)
		}
		*into = text
		return nil
	}
	return p
}

type toldEvent struct {
	eventHead
	Data       json.RawMessage `json:"data"`
	Deliveries []eventDelivery `json:"deliveries"`
}

// eventDelivery is what became of an event for one webhook.
type eventDelivery struct {
	Webhook uint64        `json:"webhook"`
	App     string        `json:"app"`
	Reason  replay.Reason `json:"reason"`
	Text    string        `json:"text"`
	// Attempts are those that the log keeps, newest first.
	Attempts []attempt `json:"attempts"`
}

// EraseEvent removes an event for good.
var EraseEvent = define(Function{
	Name: "EraseEvent", Method: http.MethodDelete, Path: "/v1/events/{event}",
	Doc: "Erases an event: its body is overwritten in the stream, or in what was rejected, and what endpoints answered to it is removed from the attempt logs. " +
		"Deliveries, retries and replays pass it over. An attempt that is under way is not called back.",
	Effect: "This removes the event for good.",
	codes:  []Code{codeNoEvent, {3, http.StatusConflict, ErrSeveral.Error(), ErrSeveral, true}},
}, func(in *eraseEventInput) []Parameter {
	return []Parameter{
		text(Parameter{Name: "event", In: InPath, Required: true, Doc: "The event's id, or its stream sequence with bySequence."}, &in.event),
		boolean(Parameter{Name: "bySequence", In: InQuery, Doc: "Whether the event is named by its stream sequence. A number is the one or the other, so that no wrong event is erased."}, &in.bySequence),
		nameOfEvent(&in.name),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in eraseEventInput) (uint64, error) {
	ref := Reference{ID: in.event}
	if in.bySequence {
		seq, err := strconv.ParseUint(in.event, 10, 64)
		if err != nil || seq == 0 {
			return 0, ErrNoEvent
		}
		ref = Reference{Sequence: seq}
	}
	return s.EraseEvent(ctx, acc, in.name, ref)
}, as(func(sequence uint64) erasure {
	return erasure{sequence}
}))

type eraseEventInput struct {
	event, name string
	bySequence  bool
}

type erasure struct {
	Sequence uint64 `json:"sequence"`
}

// GetEventTypes lists the names of events.
var GetEventTypes = define(Function{
	Name: "GetEventTypes", Method: http.MethodGet, Path: "/v1/event-types",
	Doc:   "Lists the events that webhooks can be made for, by name, each with a sample and the account's newest event.",
	codes: []Code{{2, http.StatusBadRequest, "invalid filter", ErrFilter, true}},
}, (*byName).parameters, func(ctx context.Context, s *Service, acc registry.Account, in byName) (typePage, error) {
	all, err := s.EventTypes(ctx, acc)
	part, next := pageByName(in, all, func(t EventType) string { return t.Name })
	return typePage{part, next}, err
}, as(func(p typePage) eventTypeList {
	return eventTypeList{each(p.part, eventTypeOf), p.next}
}))

// typePage is a part of the names of events, and where the next one begins.
type typePage struct {
	part []EventType
	next *string
}

type eventTypeList struct {
	EventTypes []eventType `json:"eventTypes"`
	Next       *string     `json:"next"`
}

// eventType is a name of events on the wire.
type eventType struct {
	Name   string          `json:"name"`
	Sample json.RawMessage `json:"sample"`
	// Newest is null if the stream keeps none.
	Newest *newestEvent `json:"newest"`
}

type newestEvent struct {
	eventHead
	Data json.RawMessage `json:"data"`
}

func eventTypeOf(t EventType) eventType {
	shown := eventType{Name: t.Name, Sample: t.Sample}
	if t.Newest != nil {
		shown.Newest = &newestEvent{eventHeadOf(broker.Head{Event: *t.Newest, Size: len(t.Newest.Data)}), shownData(t.Newest.Data)}
	}
	return shown
}

// GetRejected lists what was rejected.
var GetRejected = define(Function{
	Name: "GetRejected", Method: http.MethodGet, Path: "/v1/rejected",
	Doc: "Lists what was published on NATS and cannot be delivered at all, with the reason, newest first: of the account; to an operator of all, also of accounts that there are not.",
	codes: []Code{
		{2, http.StatusBadRequest, "invalid filter", ErrFilter, true},
		{3, http.StatusForbidden, ErrOperatorOnly.Error(), ErrOperatorOnly, false},
	},
}, func(in *getRejectedInput) []Parameter {
	return []Parameter{
		text(Parameter{Name: "account", In: InQuery, Doc: "Only what was published for this account."}, &in.account),
		pageLimit(&in.limit), pageBefore(&in.before),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in getRejectedInput) (refusals, error) {
	found, next, err := s.Rejected(ctx, acc, in.account, in.before, in.limit)
	return refusals{found, next}, err
}, as(func(r refusals) rejectedPage {
	return rejectedPage{each(r.found, rejectionOf), nextPage(r.next)}
}))

type getRejectedInput struct {
	account string
	before  uint64
	limit   int
}

// refusals are a page of what was rejected, and where the next one begins.
type refusals struct {
	found []broker.Refused
	next  uint64
}

type rejectedPage struct {
	Rejected []rejection `json:"rejected"`
	Next     *uint64     `json:"next"`
}

// rejection is a rejected message on the wire.
type rejection struct {
	Place    uint64 `json:"place"`
	At       stamp  `json:"at"`
	Reason   string `json:"reason"`
	Subject  string `json:"subject"`
	Account  string `json:"account"`
	Event    string `json:"event"`
	Sequence uint64 `json:"sequence"`
	// Key is what the publisher had for a message id.
	Key  string `json:"key"`
	Size int    `json:"size"`
	// Begin is the begin of the body, as text.
	Begin string `json:"begin"`
}

func rejectionOf(r broker.Refused) rejection {
	return rejection{
		r.Place, stamp(r.At), r.Reason, r.Subject, r.Account, r.Name, r.Sequence, r.Key, r.Size, string(r.Begin),
	}
}
