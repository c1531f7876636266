package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// page is how many attempts or notices a page has if the request does not say, and maxPage the most.
const page, maxPage = 50, 200

// failed stands for every outcome but delivery.Delivered.
const failed = "failed"

// endpoint is what a method on a path does: its name in the table of codes, and a call that returns the answer.
type endpoint struct {
	function string
	call     func(w http.ResponseWriter, r *http.Request, acc registry.Account) (status int, body any, err error)
}

// rest registers the REST shell.
func (h *shell) rest(mux *http.ServeMux) {
	for path, methods := range map[string]map[string]endpoint{
		"/v1/events/{event}": {
			http.MethodPost: {"PublishEvent", h.publish},
		},
		"/v1/webhooks": {
			http.MethodGet:  {"GetWebHooks", h.list},
			http.MethodPost: {"CreateWebHook", h.create},
		},
		"/v1/webhooks/{id}": {
			http.MethodGet:    {"GetWebHook", h.get},
			http.MethodDelete: {"DeleteWebHookById", h.remove},
		},
		"/v1/webhooks/{id}/activate": {
			http.MethodPost: {"ActivateWebHook", h.activate},
		},
		"/v1/webhooks/{id}/attempts": {
			http.MethodGet: {"GetAttempts", h.attempts},
		},
		"/v1/webhooks/{id}/attempts/{position}": {http.MethodGet: {"GetAttempt", of(h.exchange)}},
		"/v1/webhooks/{id}/secret":              {http.MethodPost: {"RotateSecret", of(h.rotate)}},
		"/v1/webhooks/{id}/test":                {http.MethodPost: {"TestWebHook", of(h.test)}},
		"/v1/webhooks/{id}/probe":               {http.MethodPost: {"ProbeWebHook", of(h.probe)}},
		"/v1/webhooks/{id}/redeliver":           {http.MethodPost: {"RedeliverEvent", of(h.redeliver)}},
		"/v1/webhooks/{id}/replay": {
			http.MethodGet:  {"GetReplay", of(h.progress)},
			http.MethodPost: {"ReplayEvents", of(h.replay)},
		},
		"/v1/webhooks/{id}/why": {http.MethodGet: {"ExplainEvent", of(h.why)}},
		"/v1/notices": {
			http.MethodGet: {"GetNotices", h.notices},
		},
		"/v1/accounts": {
			http.MethodPost: {"CreateAccount", h.createAccount},
		},
		"/v1/accounts/{name}": {
			http.MethodGet:   {"GetAccount", h.account},
			http.MethodPatch: {"SetAccount", h.setAccount},
		},
	} {
		mux.Handle(path, h.resource(methods))
	}
}

// resource authenticates and calls what the method stands for.
func (h *shell) resource(methods map[string]endpoint) http.Handler {
	allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	// A browser keeps the login of Basic, and must not lend it to other pages.
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, ok := methods[r.Method]
		if !ok {
			w.Header().Set("Allow", allow)
			h.refuse(w, "", "", fmt.Errorf("%w: use %s", errMethod, allow))
			return
		}
		if err := origins.Check(r); err != nil {
			h.refuse(w, e.function, "", errOrigin)
			return
		}
		name, password, _ := r.BasicAuth()
		acc, err := h.accounts.Authenticate(r.Context(), name, password)
		if err != nil {
			h.refuse(w, e.function, "", err)
			return
		}
		status, body, err := e.call(w, r, acc)
		switch {
		case err != nil:
			h.refuse(w, e.function, acc.Name, err)
		case status == http.StatusNoContent:
			w.WriteHeader(status)
		default:
			answer(w, status, body)
		}
	})
}

// refuse answers with an error.
func (h *shell) refuse(w http.ResponseWriter, function, account string, err error) {
	code, message := h.outcome(function, account, err)
	refusal(w, code, message)
}

func refusal(w http.ResponseWriter, code Code, message string) {
	if code.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="saumer", charset="UTF-8"`)
	}
	type inner struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	answer(w, code.Status, map[string]inner{"error": {code.Code, message}})
}

func (h *shell) publish(w http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	name := r.PathValue("event")
	// What can be refused without the body is.
	if err := h.service.checkEvent(name); err != nil {
		return 0, nil, err
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) > 1 || len(keys) == 1 && keys[0] == "" {
		return 0, nil, ErrKey
	}
	data, err := read(w, r, event.MaxSize)
	if errors.Is(err, errTooLarge) {
		err = event.ErrSize
	}
	if err != nil {
		return 0, nil, err
	}
	receipt, err := h.service.Publish(r.Context(), acc, name, r.Header.Get("Idempotency-Key"), data)
	return http.StatusAccepted, struct {
		ID        string `json:"id"`
		Sequence  uint64 `json:"sequence"`
		Duplicate bool   `json:"duplicate"`
	}{receipt.ID, receipt.Seq, receipt.Duplicate}, err
}

// restWebhook is a webhook with its settings.
type restWebhook struct {
	properties[bool]
	Settings settings `json:"settings"`
}

func restWebhookOf(w Webhook) restWebhook {
	return restWebhook{propertiesOf(w, func(is bool) bool { return is }), settingsOf(w.Settings)}
}

func (h *shell) list(_ http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	query := r.URL.Query()
	webhooks, err := h.service.List(r.Context(), acc, query.Get("app"), query.Get("event"))
	listed := make([]restWebhook, len(webhooks))
	for i, w := range webhooks {
		listed[i] = restWebhookOf(w)
	}
	return http.StatusOK, map[string][]restWebhook{"webhooks": listed}, err
}

func (h *shell) create(w http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	var in struct {
		App      string   `json:"app"`
		Event    string   `json:"event"`
		URL      string   `json:"url"`
		Settings settings `json:"settings"`
	}
	if err := decode(w, r, &in); err != nil {
		return 0, nil, err
	}
	s := registry.Settings{MaxInFlight: in.Settings.MaxInFlight, Ordered: in.Settings.Ordered, Headers: in.Settings.Headers}
	if in.Settings.Timeout != "" {
		var err error
		if s.Timeout, err = time.ParseDuration(in.Settings.Timeout); err != nil {
			return 0, nil, fmt.Errorf(`%w: timeout is such as "5s"`, ErrSettings)
		}
	}
	webhook, secret, err := h.service.Create(r.Context(), acc, CreateInput{App: in.App, Event: in.Event, URL: in.URL, Settings: s})
	if err != nil {
		return 0, nil, err
	}
	w.Header().Set("Location", "/v1/webhooks/"+strconv.FormatUint(webhook.ID, 10))
	return http.StatusCreated, struct {
		restWebhook
		Secret string `json:"secret"`
	}{restWebhookOf(webhook), secret}, nil
}

func (h *shell) get(_ http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	webhook, err := h.service.Get(r.Context(), acc, id)
	return http.StatusOK, restWebhookOf(webhook), err
}

func (h *shell) remove(_ http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, h.service.Delete(r.Context(), acc, id)
}

func (h *shell) activate(w http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Replay bool `json:"replay"`
	}
	if err := decode(w, r, &in); err != nil {
		return 0, nil, err
	}
	webhook, count, err := h.service.Activate(r.Context(), acc, id, in.Replay)
	return http.StatusOK, struct {
		restWebhook
		Replay uint64 `json:"replay"`
	}{restWebhookOf(webhook), count}, err
}

func (h *shell) attempts(_ http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	query := r.URL.Query()
	filter := delivery.LogFilter{Outcome: delivery.Outcome(query.Get("outcome"))}
	if filter.Outcome == failed {
		filter.Outcome, filter.Failed = "", true
	}
	if filter.Limit, filter.Before, err = paging(query); err != nil {
		return 0, nil, err
	}
	entries, next, err := h.service.Attempts(r.Context(), acc, id, filter)
	listed := make([]attempt, len(entries))
	for i, e := range entries {
		listed[i] = attemptOf(e)
	}
	var following *uint64 // null on the last page
	if next != 0 {
		following = &next
	}
	return http.StatusOK, struct {
		Attempts []attempt `json:"attempts"`
		Next     *uint64   `json:"next"`
	}{listed, following}, err
}

// paging reads the parameters limit and before: ErrFilter.
func paging(query url.Values) (limit int, before uint64, err error) {
	limit = page
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return 0, 0, fmt.Errorf("%w: limit is 1 to %d", ErrFilter, maxPage)
		}
	}
	if text := query.Get("before"); text != "" {
		if before, err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("%w: before is the number that was next on the page before", ErrFilter)
		}
	}
	return limit, before, nil
}

func (h *shell) notices(_ http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	query := r.URL.Query()
	limit, before, err := paging(query)
	if err != nil {
		return 0, nil, err
	}
	var webhook uint64
	if text := query.Get("webhook"); text != "" {
		if webhook, err = parseID(text); err != nil {
			return 0, nil, fmt.Errorf("%w: webhook is the id of a webhook", ErrFilter)
		}
	}
	// One more than is shown tells whether there is another page.
	found, err := h.service.Notices(r.Context(), acc, webhook, before, limit+1)
	var following *uint64 // null on the last page
	if len(found) > limit {
		found = found[:limit]
		following = &found[limit-1].Sequence
	}
	listed := make([]notice, len(found))
	for i, n := range found {
		listed[i] = noticeOf(n)
	}
	return http.StatusOK, struct {
		Notices []notice `json:"notices"`
		Next    *uint64  `json:"next"`
	}{listed, following}, err
}

// restAccount is an account on the wire.
type restAccount struct {
	Name     string `json:"name"`
	Operator bool   `json:"operator"`
	Email    string `json:"email"`
	Language string `json:"language"`
}

func restAccountOf(a registry.Account) restAccount {
	return restAccount{a.Name, a.Operator, a.Contact.Email, a.Contact.Language}
}

func (h *shell) createAccount(w http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	var in struct {
		restAccount
		Password string `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return 0, nil, err
	}
	contact := registry.Contact{Email: in.Email, Language: in.Language}
	return http.StatusCreated, in.restAccount, h.service.CreateAccount(r.Context(), acc, in.Name, in.Password, in.Operator, contact)
}

func (h *shell) account(_ http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	found, err := h.service.Account(r.Context(), acc, r.PathValue("name"))
	return http.StatusOK, restAccountOf(found), err
}

func (h *shell) setAccount(w http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
	var in struct {
		Email    *string `json:"email"`
		Language *string `json:"language"`
	}
	if err := decode(w, r, &in); err != nil {
		return 0, nil, err
	}
	changed, err := h.service.SetContact(r.Context(), acc, r.PathValue("name"), func(c *registry.Contact) {
		if in.Email != nil {
			c.Email = *in.Email
		}
		if in.Language != nil {
			c.Language = *in.Language
		}
	})
	return http.StatusOK, restAccountOf(changed), err
}

// decode reads a body of JSON into a struct: errRequest or errTooLarge. No body leaves it as it is.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := read(w, r, maxBody)
	if err != nil || len(body) == 0 {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	// A misspelled name is better said than ignored.
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return fmt.Errorf("%w: %q in the body is not of type %s", errRequest, wrong.Field, wrong.Type)
		}
		return fmt.Errorf("%w: read the body: %s", errRequest, strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("%w: the body is more than one JSON object", errRequest)
	}
	return nil
}
