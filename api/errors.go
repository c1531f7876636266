package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// Errors of the service; match them with errors.Is. Those of the packages below come through too.
var (
	ErrApp       = errors.New("missing or invalid app: use 1 to 200 bytes of text without control characters and marks of direction")
	ErrEvent     = errors.New("unknown event")
	ErrID        = errors.New("missing or invalid id: use the number that CreateWebHook returned")
	ErrSettings  = errors.New("invalid settings")
	ErrKey       = errors.New("invalid Idempotency-Key: use one header of at most 200 printable ASCII characters")
	ErrReused    = errors.New("this Idempotency-Key came with another body for this event in the last 10 minutes: use a key of its own for each event")
	ErrFilter    = errors.New("invalid filter")
	ErrFrom      = errors.New("invalid from: use a time such as 2026-03-01T12:00:00Z, a sequence of the stream, or now")
	ErrPosition  = errors.New("the attempt log does not have this attempt, or does not have it any more")
	ErrPeriod    = errors.New("invalid period: it begins at a time and ends before a later one")
	ErrReference = errors.New("missing or invalid event: use its id or its stream sequence")
	ErrNoEvent   = errors.New("event not found: it is not kept any more, or never was")
	ErrErased    = errors.New("the event was erased")
	ErrSeveral   = errors.New("several events have this id: give the name too, or the sequence of one in place of the id")
	ErrSpan      = errors.New("invalid span: use hour or day")
	ErrHops      = fmt.Errorf("the event goes round: what it tells of went out to webhooks of Saumer more than %d times, and it was not stored", event.MaxHops)
	ErrOperator  = errors.New("only an operator's account can make accounts")
)

// Errors of the shells.
var (
	errFunction = errors.New("unknown function")
	errRequest  = errors.New("invalid request")
	errTooLarge = errors.New("the request's body is too large")
	errMethod   = errors.New("method not allowed")
	errHops     = fmt.Errorf("%w: %s is one number", errRequest, event.HopsHeader)
	errRight    = errors.New("the API key's right does not cover this")
	errOrigin   = errors.New("requests from the pages of other origins are refused")
	// errUnavailable stands for what broker.Unavailable says.
	errUnavailable = errors.New("NATS cannot do this at the moment")
)

// Code is one way in which a function ends.
type Code struct {
	// Code is the number that both shells answer with; 0 is success.
	Code int
	// Status is the HTTP status of the REST shell. The web service always answers 200.
	Status int
	// Text says what happened and what to do.
	Text string

	match error
	// own is set if the error's text tells more than Text and holds nothing of our insides.
	own bool
}

// shared are the codes of every function, in order of the number.
var shared = []Code{
	{0, http.StatusOK, "success", nil, false},
	{1, http.StatusUnauthorized, "login failed", registry.ErrLogin, false},
	{85, http.StatusForbidden, "the API key's right does not cover this: use one with the right that the message names", errRight, true},
	{86, http.StatusTooManyRequests, "too much at once: wait as long as Retry-After says", registry.ErrLimit, true},
	{87, http.StatusInsufficientStorage, "the store of NATS is full, and nothing was changed: ask the operator of the server", event.ErrFull, false},
	{88, http.StatusServiceUnavailable, "NATS cannot do this at the moment, and nothing was changed; try again later", errUnavailable, false},
	{89, http.StatusServiceUnavailable, "webhooks cannot be changed at the moment, and nothing was changed; try again later", registry.ErrIndex, false},
	{90, http.StatusNotFound, "unknown function", errFunction, true},
	{91, http.StatusBadRequest, "invalid request", errRequest, true},
	{92, http.StatusRequestEntityTooLarge, "the request's body is too large", errTooLarge, true},
	{93, http.StatusMethodNotAllowed, "method not allowed", errMethod, true},
	{94, http.StatusForbidden, "requests from the pages of other origins are refused", errOrigin, false},
	{95, http.StatusInternalServerError, "the record cannot be read, and was not changed: ask the operator of the server", record.ErrUnreadable, false},
	{96, http.StatusServiceUnavailable, "the record was written by a newer version, and was not changed: ask a node of that version", record.ErrNewer, false},
	{97, http.StatusConflict, "the record keeps changing; try again", record.ErrConflict, false},
	{98, http.StatusServiceUnavailable, "it took too long, and may be done or not: look before you try again", context.DeadlineExceeded, false},
	internal,
}

// internal is what an error is that no code matches. Only the log says what it was.
var internal = Code{99, http.StatusInternalServerError, "internal error", nil, false}

var (
	codeID       = Code{2, http.StatusBadRequest, "missing or invalid id", ErrID, true}
	codeInactive = Code{4, http.StatusConflict, replay.ErrInactive.Error(), replay.ErrInactive, false}
	codeNotFound = Code{3, http.StatusNotFound, "webhook not found", record.ErrNotFound, false}

	codeNoAccount = Code{2, http.StatusNotFound, "account not found", record.ErrNotFound, false}
)

// Codes are all ways in which the function ends, by number; those of no function are the shared ones.
func (f *Function) Codes() []Code {
	if f == nil {
		return slices.Clone(shared)
	}
	codes := slices.Concat(f.codes, shared)
	slices.SortFunc(codes, func(a, b Code) int { return a.Code - b.Code })
	codes[0].Status = f.Status
	return codes
}

// Code finds the code of an error that the function returned, and the sentence to answer with. No function has the
// shared codes only.
func (f *Function) Code(err error) (Code, string) {
	if refusal := event.Refusal(err); errors.Is(refusal, event.ErrFull) {
		err = fmt.Errorf("%w: %w", refusal, err)
	} else if broker.Unavailable(err) {
		err = fmt.Errorf("%w: %w", errUnavailable, err)
	}
	for _, c := range f.Codes() {
		if c.match == nil || !errors.Is(err, c.match) {
			continue
		}
		if c.own {
			return c, err.Error()
		}
		return c, c.Text
	}
	return internal, internal.Text
}
