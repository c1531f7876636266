package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/saumer/saumer/registry"
)

const (
	webServicePath = "/webservice/webservice/json/"
	webService     = "POST " + webServicePath
)

// webFunction is a function of the web service: its name in the table of codes, and what it does.
type webFunction struct {
	name string
	call func(context.Context, *Service, registry.Account, parameters) (result any, err error)
}

// webFunctions are by name in lower case.
var webFunctions = map[string]webFunction{
	"createwebhook":     {"CreateWebHook", createWebHook},
	"getwebhooks":       {"GetWebHooks", getWebHooks},
	"activatewebhook":   {"ActivateWebHook", activateWebHook},
	"deletewebhookbyid": {"DeleteWebHookById", deleteWebHookByID},
}

// Envelope is every answer of the web service.
type Envelope struct {
	Error   int    `json:"error"`
	Message string `json:"message"`
	Result  any    `json:"result"`
}

// webService answers a call of the web service: always with status 200, besides for a method other than POST.
func (h *shell) webService(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	name := strings.TrimSuffix(r.PathValue("function"), "/")
	f, known := webFunctions[strings.ToLower(name)]
	var account string
	var result any
	var err error
	switch {
	case r.Method != http.MethodPost:
		status = http.StatusMethodNotAllowed
		w.Header().Set("Allow", http.MethodPost)
		err = fmt.Errorf("%w: call the web service with POST", errMethod)
	case !known:
		err = fmt.Errorf("%w %.100q: use one of CreateWebHook, GetWebHooks, ActivateWebHook, DeleteWebHookById", errFunction, name)
	default:
		result, account, err = h.call(w, r, f)
	}
	if err == nil {
		answer(w, status, Envelope{0, "success", result})
		return
	}
	code, message := h.outcome(f.name, account, err)
	answer(w, status, Envelope{code.Code, message, nil})
}

func (h *shell) call(w http.ResponseWriter, r *http.Request, f webFunction) (result any, account string, err error) {
	p, err := parseParameters(w, r)
	if err != nil {
		return nil, "", err
	}
	acc, err := h.accounts.Authenticate(r.Context(), p.required("username"), p.required("password"))
	if err != nil {
		return nil, "", err
	}
	result, err = f.call(r.Context(), h.service, acc, p)
	return result, acc.Name, err
}

// Call runs a function of the web service for an account that is logged in already, with the parameters of a form, and
// returns what the web service would answer. The error is the one that the answer speaks of, for a log.
func Call(ctx context.Context, s *Service, acc registry.Account, function string, form url.Values) (Envelope, error) {
	f, known := webFunctions[strings.ToLower(function)]
	p := parameters{map[string]string{}, map[string]string{}}
	err := p.form(form)
	var result any
	switch {
	case !known:
		err = fmt.Errorf("%w %.100q", errFunction, function)
	case err == nil:
		result, err = f.call(ctx, s, acc, p)
	}
	if err != nil {
		code, message := CodeOf(f.name, err)
		return Envelope{code.Code, message, nil}, err
	}
	return Envelope{0, "success", result}, nil
}

func createWebHook(ctx context.Context, s *Service, acc registry.Account, p parameters) (any, error) {
	ordered, err := p.flag("ordered")
	if err != nil {
		return nil, err
	}
	w, secret, err := s.Create(ctx, acc, CreateInput{
		App: p.required("app"), Event: p.required("event"), URL: p.required("url"), Settings: registry.Settings{Ordered: ordered},
	})
	if err != nil {
		return nil, err
	}
	return struct {
		properties[int]
		Secret string `json:"secret"`
	}{numbered(w), secret}, nil
}

func getWebHooks(ctx context.Context, s *Service, acc registry.Account, p parameters) (any, error) {
	webhooks, err := s.List(ctx, acc, p.optional("app"), p.optional("event"))
	if err != nil {
		return nil, err
	}
	result := make([]properties[int], len(webhooks))
	for i, w := range webhooks {
		result[i] = numbered(w)
	}
	return result, nil
}

func activateWebHook(ctx context.Context, s *Service, acc registry.Account, p parameters) (any, error) {
	id, err := webHookID(p)
	if err != nil {
		return nil, err
	}
	replayEvents, err := p.flag("replayevents")
	if err != nil {
		return nil, err
	}
	w, count, err := s.Activate(ctx, acc, id, replayEvents)
	if err != nil {
		return nil, err
	}
	return struct {
		properties[int]
		Replay uint64 `json:"replay"`
	}{numbered(w), count}, nil
}

func deleteWebHookByID(ctx context.Context, s *Service, acc registry.Account, p parameters) (any, error) {
	id, err := webHookID(p)
	if err != nil {
		return nil, err
	}
	return map[string]uint64{"id": id}, s.Delete(ctx, acc, id)
}

// webHookID takes the id under each name that integrations use.
func webHookID(p parameters) (uint64, error) { return parseID(p.required("id", "webhookid")) }

// numbered are the properties with what is true as 1 and what is not as 0.
func numbered(w Webhook) properties[int] {
	return propertiesOf(w, func(is bool) int {
		if is {
			return 1
		}
		return 0
	})
}
