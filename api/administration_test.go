package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/saumer/saumer/registry"
)

// An account that is deleted lets nobody in, and leaves nothing: no webhook, and nothing for a new account of its name.
func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	u := setup(t)
	key := u.key("other", "all")
	for range 3 {
		if status, _, answer := u.rest("other", "POST", "/v1/webhooks", `{"app":"a","event":"optin_finalized","url":"https://example.org"}`); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
	}
	if status, _, answer := u.rest("other", "POST", "/v1/events/optin_finalized", `{}`); status != http.StatusAccepted {
		t.Fatal(status, answer)
	}
	status, _, answer := u.rest("demo", "DELETE", "/v1/accounts/other", "")
	golden(t, "what went with the account", answer, `{"name":"other","webhooks":3,"keys":1,"waiting":0}`)
	if status != http.StatusOK {
		t.Error(status)
	}
	if status, _ := u.as("Bearer "+key, "GET", "/v1/webhooks", ""); status != http.StatusUnauthorized {
		t.Errorf("its key: %d", status)
	}
	if status, _, _ := u.rest("other", "GET", "/v1/webhooks", ""); status != http.StatusUnauthorized {
		t.Errorf("its password: %d", status)
	}
	if n, err := u.broker.Count(t.Context(), "events.other.optin_finalized", 1, 0); err != nil || n != 0 {
		t.Errorf("%d events are kept, %v", n, err)
	}
	if status, _, answer := u.rest("demo", "POST", "/v1/accounts", `{"name":"other","password":"`+password+`"}`); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	for path, want := range map[string]string{
		"/v1/webhooks": `{"webhooks":[],"next":null}`, "/v1/notices": `{"notices":[],"next":null}`, "/v1/accounts/other/keys": `{"keys":[],"next":null}`,
	} {
		if _, _, answer := u.rest("other", "GET", path, ""); answer != want {
			t.Errorf("the next account of the name finds %s at %s", answer, path)
		}
	}
	if _, _, answer := u.rest("other", "GET", "/v1/accounts/other/audit", ""); strings.Contains(answer, "CreateWebHook") {
		t.Errorf("the next account of the name finds %s", answer)
	}
}

// A removal that was cut off is finished by the next, and meanwhile nobody logs in.
func TestDeleteAccountThatWasCutOff(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.rest("other", "POST", "/v1/webhooks", `{"app":"a","event":"optin_finalized","url":"https://example.org"}`)
	u.backlogs.fail = errInsides
	if status, _, _ := u.rest("demo", "DELETE", "/v1/accounts/other", ""); status != http.StatusInternalServerError {
		t.Fatal(status)
	}
	u.backlogs.fail = nil
	if status, _, _ := u.rest("other", "GET", "/v1/webhooks", ""); status != http.StatusUnauthorized {
		t.Errorf("login to half an account: %d", status)
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/accounts/other", ""); status != http.StatusOK {
		t.Error(status, answer)
	}
	if all, err := u.registry.List(t.Context(), "other"); err != nil || len(all) != 0 {
		t.Errorf("%d webhooks are left, %v", len(all), err)
	}
}

// Who changed what is listed for the account, and for the operator who did it.
func TestAudit(t *testing.T) {
	t.Parallel()
	u := setup(t)
	key := u.key("other", "all")
	id := strings.Split(key, "_")[2]
	u.as("Bearer "+key, "POST", "/v1/webhooks", `{"app":"a","event":"optin_finalized","url":"https://example.org"}`)
	u.as("Bearer "+key, "DELETE", "/v1/webhooks/77", "")
	u.as("Bearer "+key, "GET", "/v1/webhooks", "")
	u.rest("demo", "PATCH", "/v1/accounts/other", `{"language":"de"}`)
	var listed struct {
		Changes []struct{ By, With, From, Function, Object string }
	}
	said := func(account string) (lines []string) {
		_, _, answer := u.rest(account, "GET", "/v1/accounts/"+account+"/audit", "")
		listed.Changes = nil
		if err := json.Unmarshal([]byte(answer), &listed); err != nil {
			t.Fatal(err)
		}
		for _, d := range listed.Changes {
			if d.From != "192.0.2.1" {
				t.Errorf("%+v came from %q", d, d.From)
			}
			lines = append(lines, strings.Join([]string{d.Function, d.Object, d.By, d.With}, " "))
		}
		return lines
	}
	want := []string{"SetAccount other other password of demo", "CreateWebHook 1 other key " + id, "CreateKey " + id + " other password"}
	if got := said("other"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the log of the account: %q, want %q", got, want)
	}
	if got := said("demo"); fmt.Sprint(got) != "[SetAccount other demo password]" {
		t.Errorf("the log of the operator: %q", got)
	}
}

// Each limit refuses what is beyond it with 429, and says so before.
func TestBudgets(t *testing.T) {
	t.Parallel()
	u := setup(t)
	hook := `{"app":"a","event":"optin_finalized","url":"https://example.org"}`
	for _, c := range []struct{ limit, method, path, body string }{
		{"webhooks", "POST", "/v1/webhooks", hook},
		{"publishes", "POST", "/v1/events/optin_finalized", `{}`},
		{"tests", "POST", "/v1/webhooks/1/probe", ""},
		{"replays", "POST", "/v1/webhooks/1/replay", `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`},
		{"requests", "GET", "/v1/webhooks", ""},
	} {
		if status, _, answer := u.rest("demo", "PATCH", "/v1/accounts/other/limits", `{"`+c.limit+`":2}`); status != http.StatusOK {
			t.Fatal(c.limit, status, answer)
		}
		if _, _, answer := u.rest("other", "GET", "/v1/limits", ""); !strings.Contains(answer, `"limit":2`) && c.limit != "requests" {
			t.Errorf("the limits are %s", answer)
		}
		refused := 0
		for range 4 {
			status, code, answer := u.rest("other", c.method, c.path, c.body)
			switch {
			case status == http.StatusTooManyRequests && code == 86 && strings.Contains(answer, "its 2 "+c.limit):
				refused++
			case status >= 300 || refused > 0:
				t.Errorf("%s: %d %s", c.limit, status, answer)
			}
		}
		if refused < 2 {
			t.Errorf("%s: %d of 4 were refused beyond 2", c.limit, refused)
		}
	}
	if status, _, answer := u.rest("demo", "GET", "/v1/webhooks", ""); status != http.StatusOK {
		t.Errorf("another account: %d %s", status, answer)
	}
	// A person's limits are counted as they come and go.
	s := NewService(Options{Limits: registry.Limits{LiveViews: 1}})
	release, err := s.Watch(registry.Account{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Watch(registry.Account{Name: "a"}); err == nil {
		t.Error("a second live view was allowed")
	}
	if _, err := s.Watch(registry.Account{Name: "b"}); err != nil {
		t.Errorf("a live view of another account: %v", err)
	}
	release()
	if _, err := s.Watch(registry.Account{Name: "a"}); err != nil {
		t.Errorf("after the first was closed: %v", err)
	}
}
