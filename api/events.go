package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// GetAttempts lists attempts.
var GetAttempts = define(Function{
	Name: "GetAttempts", Method: http.MethodGet, Path: "/v1/webhooks/{id}/attempts",
	Doc: "Lists the attempts of a webhook that are kept, newest first.",
	codes: []Code{
		codeID, codeNotFound,
		{4, http.StatusBadRequest, "invalid filter", ErrFilter, true},
	},
}, func(in *getAttemptsInput) []Parameter {
	return []Parameter{
		webhookID(&in.id),
		pageLimit(&in.limit), pageBefore(&in.before),
		text(Parameter{Name: "outcome", In: InQuery, Values: outcomes(), Doc: "Only attempts with this outcome; failed is any outcome but delivered."}, &in.outcome),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in getAttemptsInput) (attempts, error) {
	filter := delivery.LogFilter{Limit: in.limit, Before: in.before, Outcome: delivery.Outcome(in.outcome)}
	if in.outcome == failed {
		filter.Outcome, filter.Failed = "", true
	}
	entries, next, err := s.Attempts(ctx, acc, in.id, filter)
	return attempts{entries, next}, err
}, as(func(a attempts) attemptPage {
	return attemptPage{each(a.entries, attemptOf), nextPage(a.next)}
}))

type getAttemptsInput struct {
	id      uint64
	limit   int
	before  uint64
	outcome string
}

// attempts are a page of the attempt log, and where the next one begins.
type attempts struct {
	entries []delivery.Entry
	next    uint64
}

type attemptPage struct {
	Attempts []attempt `json:"attempts"`
	Next     *uint64   `json:"next"`
}

// failed stands for every outcome but delivery.Delivered.
const failed = "failed"

func outcomes() []string {
	return append([]string{failed}, each(delivery.Outcomes, func(o delivery.Outcome) string { return string(o) })...)
}

// GetAttempt shows one attempt.
var GetAttempt = define(Function{
	Name: "GetAttempt", Method: http.MethodGet, Path: "/v1/webhooks/{id}/attempts/{position}",
	Doc: "Shows one attempt with what it sent.",
	codes: []Code{
		codeID, codeNotFound,
		{4, http.StatusNotFound, ErrPosition.Error(), ErrPosition, false},
	},
}, func(in *getAttemptInput) []Parameter {
	return []Parameter{
		webhookID(&in.id),
		number(Parameter{Name: "position", In: InPath, Required: true, Min: 1, Doc: "The attempt's position in the log."}, &in.position, ErrPosition),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in getAttemptInput) (Exchange, error) {
	return s.Exchange(ctx, acc, in.id, in.position)
}, as(exchangeOf))

type getAttemptInput struct{ id, position uint64 }

// RedeliverEvent sends one event again.
var RedeliverEvent = define(Function{
	Name: "RedeliverEvent", Method: http.MethodPost, Path: "/v1/webhooks/{id}/redeliver",
	Doc:    "Sends one event again, through the webhook's backlog, as a replay.",
	Effect: "This sends the event to the URL again.",
	codes: []Code{
		codeID, codeNotFound, codeInactive,
		{5, http.StatusBadRequest, ErrReference.Error(), ErrReference, false},
		{6, http.StatusConflict, replay.ErrForeign.Error(), replay.ErrForeign, false},
		{7, http.StatusGone, replay.ErrDropped.Error(), replay.ErrDropped, false},
		{8, http.StatusConflict, backlog.ErrOnTheWay.Error(), backlog.ErrOnTheWay, false},
		{9, http.StatusConflict, replay.ErrLeftOut.Error(), replay.ErrLeftOut, false},
	},
}, func(in *eventInput) []Parameter {
	return in.parameters(InBody)
}, func(ctx context.Context, s *Service, acc registry.Account, in eventInput) (uint64, error) {
	return s.Redeliver(ctx, acc, in.id, in.event)
}, as(func(sequence uint64) redelivery {
	return redelivery{sequence}
}))

// eventInput is what a function takes that is about one event of one webhook.
type eventInput struct {
	id    uint64
	event Reference
}

func (in *eventInput) parameters(place Place) []Parameter {
	return []Parameter{
		webhookID(&in.id),
		text(Parameter{Name: "event", In: place, Example: "order-7", Doc: "The event's id; or its stream sequence, if no event has the number for an id."}, &in.event.ID),
		number(Parameter{Name: "sequence", In: place, Min: 1, Doc: "The event's stream sequence, instead of its id."}, &in.event.Sequence, ErrReference),
	}
}

type redelivery struct {
	Sequence uint64 `json:"sequence"`
}

// ReplayEvents sends the events of a period again.
var ReplayEvents = define(Function{
	Name: "ReplayEvents", Method: http.MethodPost, Path: "/v1/webhooks/{id}/replay",
	Doc:    "Sends the events of a period again, as a replay.",
	Effect: "This sends all events of the period to the URL again.",
	codes: []Code{
		codeID, codeNotFound, codeInactive,
		{5, http.StatusBadRequest, "invalid period", ErrPeriod, true},
		{6, http.StatusConflict, backlog.ErrTooMany.Error(), backlog.ErrTooMany, false},
	},
}, func(in *replayEventsInput) []Parameter {
	return []Parameter{
		webhookID(&in.id),
		periodEnd("from", "2026-03-01T12:00:00Z", "The period's first moment.", &in.from),
		periodEnd("to", "2026-03-01T13:00:00Z", "The first moment after the period.", &in.to),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in replayEventsInput) (replay.Replayed, error) {
	return s.Replay(ctx, acc, in.id, in.from, in.to)
}, as(replayStartOf))

type replayEventsInput struct {
	id       uint64
	from, to time.Time
}

func periodEnd(name, example, doc string, into *time.Time) Parameter {
	return moment(Parameter{Name: name, In: InBody, Required: true, Example: example, Doc: doc}, into,
		fmt.Errorf("%w, and %s is a time such as 2026-03-01T12:00:00Z", ErrPeriod, name))
}

type replayStart struct {
	Events uint64 `json:"events"`
	Kept   stamp  `json:"keptSince"`
}

func replayStartOf(r replay.Replayed) replayStart { return replayStart{r.Events, stamp(r.Kept)} }

// GetReplay tells how far a replay is.
var GetReplay = define(Function{
	Name: "GetReplay", Method: http.MethodGet, Path: "/v1/webhooks/{id}/replay",
	Doc:   "Tells how far the last replay of a webhook has come.",
	codes: []Code{codeID, codeNotFound},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (Webhook, error) {
	return s.Get(ctx, acc, in.id)
}, as(func(w Webhook) replayState {
	r := w.Status.Replay
	if r == nil {
		return replayState{}
	}
	return replayState{&replayProgress{stamp(r.At), r.Total, r.Done}}
}))

type replayState struct {
	// Replay is null if there has been none since the last activation.
	Replay *replayProgress `json:"replay"`
}

type replayProgress struct {
	At    stamp  `json:"at"`
	Total uint64 `json:"total"`
	Done  uint64 `json:"done"`
}

// ExplainEvent tells of one event and one webhook.
var ExplainEvent = define(Function{
	Name: "ExplainEvent", Method: http.MethodGet, Path: "/v1/webhooks/{id}/why",
	Doc: "Tells why a webhook got an event, or why not.",
	codes: []Code{
		codeID, codeNotFound,
		{4, http.StatusBadRequest, ErrReference.Error(), ErrReference, false},
	},
}, func(in *eventInput) []Parameter {
	return in.parameters(InQuery)
}, func(ctx context.Context, s *Service, acc registry.Account, in eventInput) (replay.Answer, error) {
	return s.Why(ctx, acc, in.id, in.event)
}, as(func(a replay.Answer) explanation {
	return explanation{a.Reason, a.Sequence, a.Text}
}))

type explanation struct {
	Reason   replay.Reason `json:"reason"`
	Sequence uint64        `json:"sequence"`
	Text     string        `json:"text"`
}

// PublishEvent stores an event.
var PublishEvent = define(Function{
	Name: "PublishEvent", Method: http.MethodPost, Path: "/v1/events/{event}", Status: http.StatusAccepted,
	Doc:    "Publishes an event, and answers once it is stored.",
	Effect: "This publishes a real event, which is delivered to its webhooks.",
	codes: []Code{
		{2, http.StatusNotFound, "unknown event: use one of those that the message names", ErrEvent, true},
		{3, http.StatusBadRequest, "the body is not a JSON value", event.ErrBody, false},
		{4, http.StatusRequestEntityTooLarge, event.ErrSize.Error(), event.ErrSize, true},
		{5, http.StatusBadRequest, "invalid Idempotency-Key", ErrKey, true},
		{6, http.StatusInsufficientStorage, event.ErrFull.Error(), event.ErrFull, false},
		{7, http.StatusLoopDetected, ErrHops.Error(), ErrHops, false},
		{8, http.StatusUnprocessableEntity, ErrReused.Error(), ErrReused, false},
	},
}, func(in *publishEventInput) []Parameter {
	key := Parameter{Name: "Idempotency-Key", In: InHeader, wrong: ErrKey, Doc: "The event's id. For 10 minutes the same key stores no event of this name again, and is refused with another body."}
	return []Parameter{
		text(Parameter{Name: "event", In: InPath, Kind: KindEvent, Required: true, Doc: "The event's name."}, &in.event),
		text(key, &in.key),
		number(Parameter{
			Name: event.HopsHeader, In: InHeader, Doc: "That of the delivery which the event is published because of, so that no event goes round for ever.",
		}, &in.hops, errHops),
		data(Parameter{Name: "data", Required: true, Example: `{"email":"anna@example.org"}`, Doc: "The event's data, a JSON value, which is delivered byte for byte."}, &in.data),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in publishEventInput) (event.Receipt, error) {
	if in.hops > event.MaxHops {
		return event.Receipt{}, ErrHops
	}
	// A wrong name is refused without reading the body.
	if err := s.checkEvent(ctx, in.event); err != nil {
		return event.Receipt{}, err
	}
	data, err := in.data(event.MaxSize)
	if errors.Is(err, errTooLarge) {
		err = event.ErrMaxSize
	}
	if err != nil {
		return event.Receipt{}, err
	}
	return s.Publish(event.WithHops(ctx, in.hops), acc, in.event, in.key, data)
}, as(func(r event.Receipt) receipt {
	return receipt{r.ID, r.Seq, r.Duplicate}
}))

type publishEventInput struct {
	event, key string
	hops       int
	data       body
}

type receipt struct {
	ID        string `json:"id"`
	Sequence  uint64 `json:"sequence"`
	Duplicate bool   `json:"duplicate"`
}
