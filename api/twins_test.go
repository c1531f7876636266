package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/saumer/saumer/registry"
)

// Whoever makes a webhook twice is told so.
func TestTwinsAreSaid(t *testing.T) {
	t.Parallel()
	u := setup(t)
	const body = `{"app":"a","event":"optin_finalized","url":"https://example.org/x"}`
	for i, want := range []string{"", "webhook 1 has the same app, event and URL: each event is sent there more than once"} {
		var made struct{ Note string }
		status, _, answer := u.rest("demo", "POST", "/v1/webhooks", body)
		if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated || made.Note != want {
			t.Errorf("webhook %d: %d %s %v, want the note %q", i+1, status, answer, err, want)
		}
	}
	if code, _, result := u.web("CreateWebHook", "app", "a", "event", "optin_finalized", "url", "https://example.org/x"); code != 0 || !strings.Contains(string(result), "webhook 1 has the same") {
		t.Errorf("the web service: %d %s", code, result)
	}
}

// The attempt that a test answers with can be asked for.
func TestTestAnswersItsPosition(t *testing.T) {
	t.Parallel()
	u := setup(t)
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer endpoint.Close()
	id := u.create("app", "optin_finalized")
	if _, err := u.registry.Update(t.Context(), "demo."+id, func(w *registry.Webhook) error { w.URL = endpoint.URL; return nil }); err != nil {
		t.Fatal(err)
	}
	var made, logged struct {
		Position uint64
		ID       string
	}
	status, _, answer := u.rest("demo", "POST", "/v1/webhooks/"+id+"/test", "")
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusOK || made.Position == 0 {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	_, _, answer = u.rest("demo", "GET", "/v1/webhooks/"+id+"/attempts/"+strconv.FormatUint(made.Position, 10), "")
	if err := json.Unmarshal([]byte(answer), &logged); err != nil || logged != made {
		t.Errorf("the position leads to %s, %v, want %+v", answer, err, made)
	}
}
