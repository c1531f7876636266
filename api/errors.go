package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// Errors of the service; match them with errors.Is. Those of the packages below come through besides.
var (
	ErrApp       = errors.New("missing or invalid app: use 1 to 200 bytes of text without control characters")
	ErrEvent     = errors.New("unknown event")
	ErrID        = errors.New("missing or invalid id: use the number that CreateWebHook returned")
	ErrSettings  = errors.New("invalid settings")
	ErrKey       = errors.New("invalid Idempotency-Key: use one header of at most 200 printable ASCII characters")
	ErrFilter    = errors.New("invalid filter")
	ErrPosition  = errors.New("the attempt log does not have this attempt (any more)")
	ErrPeriod    = errors.New("invalid period: it goes from a time to a later one, which is not in it")
	ErrReference = errors.New("missing or invalid event: use its id or its stream sequence")
	ErrSpan      = errors.New("invalid span: use hour or day")
	ErrOperator  = errors.New("only an operator's account can make accounts")
)

// Errors of the shells.
var (
	errFunction = errors.New("unknown function")
	errRequest  = errors.New("invalid request")
	errTooLarge = errors.New("the request's body is too large")
	errMethod   = errors.New("method not allowed")
	errOrigin   = errors.New("requests from the pages of other origins are refused")
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

// Function is something that can be asked for, and its own codes.
type Function struct {
	Name string
	// WebService and REST say how to ask; empty where the shell does not have it.
	WebService, REST string

	codes []Code
}

// shared are the codes of every function.
var shared = []Code{
	{0, http.StatusOK, "success", nil, false},
	{1, http.StatusUnauthorized, "login failed", registry.ErrLogin, false},
	{90, http.StatusNotFound, "unknown function", errFunction, true},
	{91, http.StatusBadRequest, "invalid request", errRequest, true},
	{92, http.StatusRequestEntityTooLarge, "the request's body is too large", errTooLarge, true},
	{93, http.StatusMethodNotAllowed, "method not allowed", errMethod, true},
	{94, http.StatusForbidden, "requests from the pages of other origins are refused", errOrigin, false},
	{95, http.StatusInternalServerError, "the record cannot be read, and was left alone: ask who operates the server", record.ErrUnreadable, false},
	{96, http.StatusServiceUnavailable, "the record was written by a newer version, and was left alone: ask a node of that version", record.ErrNewer, false},
	{97, http.StatusConflict, "the record keeps changing; try again", record.ErrConflict, false},
	{98, http.StatusServiceUnavailable, "it took too long; try again", context.DeadlineExceeded, false},
	internal,
}

// internal is what an error is that no code matches. What it was is in the log alone.
var internal = Code{99, http.StatusInternalServerError, "internal error", nil, false}

var (
	codeID       = Code{2, http.StatusBadRequest, "missing or invalid id", ErrID, true}
	codeInactive = Code{4, http.StatusConflict, replay.ErrInactive.Error(), replay.ErrInactive, false}
	codeNotFound = Code{3, http.StatusNotFound, "webhook not found", record.ErrNotFound, false}

	codeNoAccount = Code{2, http.StatusNotFound, "account not found", record.ErrNotFound, false}
)

// functions are all functions with the codes that are theirs alone, in order of the number.
var functions = []Function{
	{"CreateWebHook", webService + "CreateWebHook", "POST /v1/webhooks", []Code{
		{2, http.StatusBadRequest, "missing or invalid app", ErrApp, true},
		{3, http.StatusBadRequest, "unknown event: use one of those that it names", ErrEvent, true},
		{4, http.StatusBadRequest, "invalid url: use an absolute http or https URL of at most 2048 bytes, without user and fragment", delivery.ErrURL, true},
		{5, http.StatusBadRequest, "url not allowed: its host leads to an address that is not public", delivery.ErrForbidden, false},
		{6, http.StatusBadRequest, "invalid settings", ErrSettings, true},
	}},
	{"GetWebHooks", webService + "GetWebHooks", "GET /v1/webhooks", nil},
	{"GetWebHook", "", "GET /v1/webhooks/{id}", []Code{codeID, codeNotFound}},
	{"ActivateWebHook", webService + "ActivateWebHook", "POST /v1/webhooks/{id}/activate", []Code{codeID, codeNotFound}},
	{"DeleteWebHookById", webService + "DeleteWebHookById", "DELETE /v1/webhooks/{id}", []Code{codeID, codeNotFound}},
	{"GetAttempts", "", "GET /v1/webhooks/{id}/attempts", []Code{
		codeID, codeNotFound,
		{4, http.StatusBadRequest, "invalid filter", ErrFilter, true},
	}},
	{"GetAttempt", "", "GET /v1/webhooks/{id}/attempts/{position}", []Code{
		codeID, codeNotFound,
		{4, http.StatusNotFound, ErrPosition.Error(), ErrPosition, false},
	}},
	{"RotateSecret", "", "POST /v1/webhooks/{id}/secret", []Code{codeID, codeNotFound}},
	{"TestWebHook", "", "POST /v1/webhooks/{id}/test", []Code{codeID, codeNotFound}},
	{"ProbeWebHook", "", "POST /v1/webhooks/{id}/probe", []Code{codeID, codeNotFound}},
	{"RedeliverEvent", "", "POST /v1/webhooks/{id}/redeliver", []Code{
		codeID, codeNotFound, codeInactive,
		{5, http.StatusBadRequest, ErrReference.Error(), ErrReference, false},
		{6, http.StatusConflict, replay.ErrForeign.Error(), replay.ErrForeign, false},
		{7, http.StatusGone, replay.ErrDropped.Error(), replay.ErrDropped, false},
		{8, http.StatusConflict, replay.ErrOnTheWay.Error(), replay.ErrOnTheWay, false},
	}},
	{"ReplayEvents", "", "POST /v1/webhooks/{id}/replay", []Code{
		codeID, codeNotFound, codeInactive,
		{5, http.StatusBadRequest, "invalid period", ErrPeriod, true},
		{6, http.StatusConflict, replay.ErrCrowded.Error(), replay.ErrCrowded, false},
	}},
	{"GetReplay", "", "GET /v1/webhooks/{id}/replay", []Code{codeID, codeNotFound}},
	{"ExplainEvent", "", "GET /v1/webhooks/{id}/why", []Code{
		codeID, codeNotFound,
		{4, http.StatusBadRequest, ErrReference.Error(), ErrReference, false},
	}},
	{"GetNotices", "", "GET /v1/notices", []Code{
		{2, http.StatusBadRequest, "invalid filter", ErrFilter, true},
	}},
	{"GetStats", "", "GET /v1/stats", []Code{{2, http.StatusBadRequest, ErrSpan.Error(), ErrSpan, false}}},
	{"PublishEvent", "", "POST /v1/events/{event}", []Code{
		{2, http.StatusNotFound, "unknown event: use one of those that it names", ErrEvent, true},
		{3, http.StatusBadRequest, "the body is not a JSON value", event.ErrBody, false},
		{4, http.StatusRequestEntityTooLarge, event.ErrSize.Error(), event.ErrSize, false},
		{5, http.StatusBadRequest, "invalid Idempotency-Key", ErrKey, true},
		{6, http.StatusInsufficientStorage, event.ErrFull.Error(), event.ErrFull, false},
	}},
	{"CreateAccount", "", "POST /v1/accounts", []Code{
		{2, http.StatusForbidden, ErrOperator.Error(), ErrOperator, false},
		{3, http.StatusBadRequest, event.ErrAccount.Error(), event.ErrAccount, false},
		{4, http.StatusBadRequest, registry.ErrPassword.Error(), registry.ErrPassword, false},
		{5, http.StatusConflict, "the account exists already", record.ErrExists, false},
		{6, http.StatusBadRequest, registry.ErrEmail.Error(), registry.ErrEmail, false},
		{7, http.StatusBadRequest, registry.ErrLanguage.Error(), registry.ErrLanguage, false},
	}},
	{"GetAccount", "", "GET /v1/accounts/{name}", []Code{codeNoAccount}},
	{"SetAccount", "", "PATCH /v1/accounts/{name}", []Code{
		codeNoAccount,
		{3, http.StatusBadRequest, registry.ErrEmail.Error(), registry.ErrEmail, false},
		{4, http.StatusBadRequest, registry.ErrLanguage.Error(), registry.ErrLanguage, false},
	}},
}

// Functions are all functions of the service, in the order of the documentation.
func Functions() []Function { return slices.Clone(functions) }

// Codes are all ways in which a function ends, by number; its name may be in any letter case. Nil: no such function.
func Codes(function string) []Code {
	i := slices.IndexFunc(functions, func(f Function) bool { return strings.EqualFold(f.Name, function) })
	if i < 0 {
		return nil
	}
	codes := slices.Concat(functions[i].codes, shared)
	slices.SortFunc(codes, func(a, b Code) int { return a.Code - b.Code })
	return codes
}

// CodeOf finds the code of a function's error and the sentence to answer with. An unknown function has the shared
// codes alone.
func CodeOf(function string, err error) (Code, string) {
	i := slices.IndexFunc(functions, func(f Function) bool { return f.Name == function })
	codes := shared
	if i >= 0 {
		codes = slices.Concat(functions[i].codes, shared)
	}
	for _, c := range codes {
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
