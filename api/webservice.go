package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/saumer/saumer/registry"
)

// webServicePath is where the functions of the web service are.
const webServicePath = "/webservice/webservice/json/"

// webNames are the names of the web service's functions.
func webNames() []string {
	var names []string
	for _, f := range functions {
		if f.InWebService() {
			names = append(names, f.Name)
		}
	}
	return names
}

// Envelope is every answer of the web service.
type Envelope struct {
	Error   int    `json:"error"`
	Message string `json:"message"`
	Result  any    `json:"result"`
}

// webService answers a call of the web service: always with status 200, but for a method other than POST.
func (h *shell) webService(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	name := strings.TrimSuffix(r.PathValue("function"), "/")
	f := lookup(name)
	var account string
	var result any
	var err error
	switch {
	case r.Method != http.MethodPost:
		status = http.StatusMethodNotAllowed
		w.Header().Set("Allow", http.MethodPost)
		err = fmt.Errorf("%w: call the web service with POST", errMethod)
	case f == nil || !f.InWebService():
		f, err = nil, fmt.Errorf("%w %.100q: use one of %s", errFunction, name, list(webNames()))
	default:
		result, account, err = h.call(w, r, f)
	}
	if err == nil {
		answer(w, status, Envelope{0, "success", result})
		return
	}
	err = Overdue(r.Context(), err)
	code, message := h.outcome(f, account, err)
	retryAfter(w, err)
	answer(w, status, Envelope{code.Code, message, nil})
}

func (h *shell) call(w http.ResponseWriter, r *http.Request, f *Function) (result any, account string, err error) {
	given, err := parseArguments(w, r)
	if err != nil {
		return nil, "", err
	}
	login, err := h.login(r, f, registry.Credentials{Account: given.direct["username"], Secret: given.direct["password"]})
	if err != nil {
		return nil, login.Name, err
	}
	result, err = f.web(WithCaller(r.Context(), CallerOf(login, h.service.Client(r))), h.service, login.Account, given)
	return result, login.Name, err
}
