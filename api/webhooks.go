package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/registry"
)

// CreateWebHook makes a webhook.
var CreateWebHook = defineBoth(Function{
	Name: "CreateWebHook", Method: http.MethodPost, Path: "/v1/webhooks", Status: http.StatusCreated,
	Doc: "Makes a webhook. The answer holds its secret, which is not shown again. With from, its member replayed says how many events are sent as a replay, and, " +
		"where it was to begin earlier, since when events are kept.",
	Effect: "This makes a real webhook, which gets events from now on.",
	codes: []Code{
		{2, http.StatusBadRequest, "missing or invalid app", ErrApp, true},
		{3, http.StatusBadRequest, "unknown event: use one of those that the message names", ErrEvent, true},
		{4, http.StatusBadRequest, "invalid url: use an absolute http or https URL of at most 2048 bytes, without user and fragment", delivery.ErrURL, true},
		{5, http.StatusBadRequest, "url not allowed: its host leads to an address that is not public, or that is Saumer's own", delivery.ErrForbidden, false},
		{6, http.StatusBadRequest, "invalid settings", ErrSettings, true},
		{7, http.StatusBadRequest, "invalid filter", filter.Err, true},
		{8, http.StatusBadRequest, "invalid events", registry.ErrEvents, true},
		{9, http.StatusBadRequest, "invalid from", ErrFrom, true},
	},
}, func(in *createWebHookInput) []Parameter {
	return []Parameter{
		text(Parameter{Name: "app", In: InBody, Required: true, Label: "App", Doc: "Your own name for what the webhook belongs to, of at most 200 bytes."}, &in.app),
		text(Parameter{Name: "event", In: InBody, Kind: KindEvent, Label: "Event", Doc: "The event that the webhook gets. REST takes events in its place."}, &in.event),
		object(Parameter{Name: "events", In: InBody, Label: "Events", Doc: "Several names, and patterns in which * stands for any part of a name, such as optin_*, in place of event."}, &in.events),
		text(Parameter{Name: "url", In: InBody, Kind: KindURL, Required: true, Label: "URL", Doc: "Where events are sent, http or https."}, &in.url),
		boolean(Parameter{Name: "ordered", In: InNoREST, Label: "In order", Doc: "Events are sent one at a time, in the order of the stream. An event that is not taken holds up those that follow."}, &in.ordered),
		object(Parameter{Name: "filter", In: InBody, Label: "Filter", Doc: "Which events are for the webhook, by their data: a JSON pointer with equals, oneOf, exists, min or max; or all or any of such conditions. What is left out is never sent."}, &in.filter),
		onlyREST(text(Parameter{Name: "from", In: InBody, Label: "From", Doc: "Where in the past it begins: a time, a sequence of the stream, or now, which is the default. What the retention holds from there on is sent as a replay."}, &in.from)),
		object(Parameter{Name: "settings", In: InBody, Label: "Settings", Doc: "How events are sent: ordered, maxInFlight, timeout (such as 5s), headers. What is left out has its default."}, &in.settings),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in createWebHookInput) (secretWebHook, error) {
	settings, err := in.settings.registry()
	if err != nil {
		return secretWebHook{}, err
	}
	settings.Ordered = settings.Ordered || in.ordered
	from, err := ParseStart(in.from)
	if err != nil {
		return secretWebHook{}, err
	}
	w, secret, err := s.Create(ctx, acc, CreateInput{App: in.app, Event: in.event, Events: in.events, URL: in.url, Filter: in.filter, From: from, Settings: settings})
	return secretWebHook{w, secret}, err
}, as(func(c secretWebHook) createdWebhook {
	created := createdWebhook{restWebhook: restWebhookOf(c.webhook), Secret: c.secret}
	if begun := c.webhook.Begun; begun != nil {
		start := replayStartOf(*begun)
		created.Replayed = &start
	}
	return created
}), as(func(c secretWebHook) createdWeb {
	return createdWeb{numbered(c.webhook), c.secret}
}))

type createWebHookInput struct {
	app, event, url string
	from            string
	events          []string
	ordered         bool
	filter          *filter.Filter
	settings        settings
}

// secretWebHook is a new webhook with its secret in the clear.
type secretWebHook struct {
	webhook Webhook
	secret  string
}

type createdWebhook struct {
	restWebhook
	Secret string `json:"secret"`
	// Replayed is there if the webhook begins in the past.
	Replayed *replayStart `json:"replayed,omitempty"`
}

// location is the path of what was made.
func (c createdWebhook) location() string {
	return CreateWebHook.Path + "/" + strconv.FormatUint(c.ID, 10)
}

type createdWeb struct {
	properties[int]
	Secret string `json:"secret"`
}

// GetWebHooks lists webhooks.
var GetWebHooks = defineBoth(Function{
	Name: "GetWebHooks", Method: http.MethodGet, Path: "/v1/webhooks",
	Doc:   "Lists the webhooks of the account with their states, by id.",
	codes: []Code{{2, http.StatusBadRequest, "invalid filter", ErrFilter, true}},
}, func(in *ListFilter) []Parameter {
	return []Parameter{
		text(Parameter{Name: "app", In: InQuery, Label: "App", Doc: "Only those of this app; empty for all."}, &in.App),
		text(Parameter{Name: "event", In: InQuery, Kind: KindEvent, Label: "Event", Doc: "Only those for this event."}, &in.Event),
		number(Parameter{Name: "start", In: InNoREST, Label: "Start", Doc: "How many are left out before the first; none if empty."}, &in.Skip,
			fmt.Errorf("%w: start is a number", ErrFilter)),
		number(Parameter{Name: "limit", In: InQuery, Label: "Limit", Min: 1, Max: maxList, Doc: "The most that are listed; all if empty."}, &in.Limit,
			fmt.Errorf("%w: limit is 1 to %d", ErrFilter, maxList)),
		onlyREST(number(Parameter{Name: "after", In: InQuery, Doc: "The number that was next on the page before; none for the first page."}, &in.After,
			fmt.Errorf("%w: after is the number that was next on the page before", ErrFilter))),
		onlyREST(text(Parameter{Name: "state", In: InQuery, Values: states, Doc: "Only those in this state."}, &in.State)),
		onlyREST(text(Parameter{Name: "text", In: InQuery, Doc: "Only those whose id is this, or whose app or URL contains it."}, &in.Text)),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in ListFilter) (Listed, error) {
	return s.List(ctx, acc, in)
}, as(func(l Listed) webhookList {
	return webhookList{each(l.Webhooks, restWebhookOf), nextPage(l.Next)}
}), as(func(l Listed) []properties[int] {
	return each(l.Webhooks, numbered)
}))

// maxList is the most webhooks that a list may be asked to have.
const maxList = 1000

type webhookList struct {
	Webhooks []restWebhook `json:"webhooks"`
	Next     *uint64       `json:"next"`
}

// GetWebHook shows one webhook.
var GetWebHook = define(Function{
	Name: "GetWebHook", Method: http.MethodGet, Path: "/v1/webhooks/{id}",
	Doc:   "Shows one webhook with its state.",
	codes: []Code{codeID, codeNotFound},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (Webhook, error) {
	return s.Get(ctx, acc, in.id)
}, as(restWebhookOf))

// webhookInput is what a function takes that is about one webhook and takes nothing more.
type webhookInput struct{ id uint64 }

func oneWebhook(in *webhookInput) []Parameter { return []Parameter{webhookID(&in.id)} }

// webhookID is the parameter that says which webhook.
func webhookID(into *uint64) Parameter {
	return number(Parameter{
		Name: "id", alias: "webhookId", In: InPath, Required: true, Min: 1, Label: "Id", Doc: "The number that CreateWebHook returned.",
	}, into, ErrID)
}

// ActivateWebHook activates a webhook.
var ActivateWebHook = defineBoth(Function{
	Name: "ActivateWebHook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/activate",
	Doc:    "Activates a webhook that was deactivated.",
	Effect: "This activates the webhook; without a replay, the events that were kept are dropped.",
	codes:  []Code{codeID, codeNotFound},
}, func(in *activateWebHookInput) []Parameter {
	return []Parameter{
		webhookID(&in.id),
		boolean(Parameter{
			Name: "replay", WebName: "replayEvents", In: InBody, Label: "Replay the events that were kept", Doc: "Without it, the events that were kept are dropped.",
		}, &in.replay),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in activateWebHookInput) (activatedWebHook, error) {
	w, count, err := s.Activate(ctx, acc, in.id, in.replay)
	return activatedWebHook{w, count}, err
}, as(func(a activatedWebHook) activatedWebhook {
	return activatedWebhook{restWebhookOf(a.webhook), a.replayed}
}), as(func(a activatedWebHook) activatedWeb {
	return activatedWeb{numbered(a.webhook), a.replayed}
}))

type activateWebHookInput struct {
	id     uint64
	replay bool
}

// activatedWebHook is an activated webhook, and how many events are replayed.
type activatedWebHook struct {
	webhook  Webhook
	replayed uint64
}

type activatedWebhook struct {
	restWebhook
	Replay uint64 `json:"replay"`
}

type activatedWeb struct {
	properties[int]
	Replay uint64 `json:"replay"`
}

// DeleteWebHookByID removes a webhook.
var DeleteWebHookByID = defineBoth(Function{
	Name: "DeleteWebHookById", Method: http.MethodDelete, Path: "/v1/webhooks/{id}", Status: http.StatusNoContent,
	Doc:    "Deletes a webhook with its backlog and its log.",
	Effect: "This deletes the webhook for good.",
	codes:  []Code{codeID, codeNotFound},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (webhookInput, error) {
	return in, s.Delete(ctx, acc, in.id)
}, as(func(webhookInput) struct{} {
	return struct{}{}
}), as(func(deleted webhookInput) deletedWeb {
	return deletedWeb{deleted.id}
}))

type deletedWeb struct {
	ID uint64 `json:"id"`
}

// RotateSecret gives a webhook a new secret.
var RotateSecret = define(Function{
	Name: "RotateSecret", Method: http.MethodPost, Path: "/v1/webhooks/{id}/secret",
	Doc:    "Makes a new secret. The answer holds it, and it is not shown again. For a day deliveries are signed with the previous one too.",
	Effect: "This gives the webhook a new secret.",
	codes:  []Code{codeID, codeNotFound},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (Secret, error) {
	return s.Rotate(ctx, acc, in.id)
}, as(func(s Secret) rotatedSecret {
	return rotatedSecret{s.Secret, stamp(s.PreviousUntil), noteOf(s.Unindexed)}
}))

type rotatedSecret struct {
	Secret        string `json:"secret"`
	PreviousUntil stamp  `json:"previousUntil"`
	Note          string `json:"note,omitempty"`
}

// TestWebHook sends a test event.
var TestWebHook = define(Function{
	Name: "TestWebHook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/test",
	Doc:    "Sends a sample event to a webhook once, active or not, with Saumer-Test: 1, and shows the attempt.",
	Effect: "This sends a test event to the URL.",
	codes:  []Code{codeID, codeNotFound},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (delivery.Entry, error) {
	return s.Test(ctx, acc, in.id)
}, as(attemptOf))

// ProbeWebHook tells whether a URL can be reached.
var ProbeWebHook = define(Function{
	Name: "ProbeWebHook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/probe",
	Doc:    "Tells whether the URL's host can be reached, without a request.",
	Effect: "This makes a connection to the URL's host.",
	codes:  []Code{codeID, codeNotFound},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (delivery.Attempt, error) {
	return s.Probe(ctx, acc, in.id)
}, as(func(a delivery.Attempt) probe {
	return probe{a.Outcome == delivery.Delivered, a.Outcome, a.Error, millis(a.Duration)}
}))

type probe struct {
	Reachable bool             `json:"reachable"`
	Outcome   delivery.Outcome `json:"outcome"`
	Error     string           `json:"error"`
	Millis    float64          `json:"milliseconds"`
}
