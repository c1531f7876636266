package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// webService calls Saumer's web service as an integration does.
type webService struct{ base, account, password string }

// webHook is a webhook as the web service answers it.
type webHook struct {
	ID          uint64     `json:"id"`
	URL         string     `json:"url"`
	Active      int        `json:"active"`
	State       string     `json:"state"`
	Secret      string     `json:"secret"` // only of CreateWebHook
	Reason      string     `json:"reason"`
	LastError   string     `json:"lastError"`
	NextAttempt *time.Time `json:"nextAttempt"`
	Deactivated *time.Time `json:"deactivated"`
	Lag         uint64     `json:"lag"`
	Buffered    uint64     `json:"buffered"`
	Replay      uint64     `json:"replay"` // only of ActivateWebHook
}

// call calls a function and decodes its result. An error code of the service is an error.
func (s *webService) call(ctx context.Context, function string, parameters url.Values, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	form := url.Values{"username": {s.account}, "password": {s.password}}
	for name, values := range parameters {
		form[name] = values
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		s.base+"/webservice/webservice/json/"+function, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("call %s: %w", function, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("call %s: %w", function, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", function, err)
	}
	var answer struct {
		Error   int             `json:"error"`
		Message string          `json:"message"`
		Result  json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("read the answer of %s, status %d: %w", function, response.StatusCode, err)
	}
	if answer.Error != 0 {
		return fmt.Errorf("%s answers error %d: %s", function, answer.Error, answer.Message)
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("read the result of %s: %w", function, err)
	}
	return nil
}

// webHook is the state of one webhook now.
func (s *webService) webHook(ctx context.Context, id uint64) (webHook, error) {
	var all []webHook
	if err := s.call(ctx, "GetWebHooks", nil, &all); err != nil {
		return webHook{}, err
	}
	for _, w := range all {
		if w.ID == id {
			return w, nil
		}
	}
	return webHook{}, fmt.Errorf("the webhook %d is not among the %d that GetWebHooks answers", id, len(all))
}
