package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/replay"
)

func fieldsOf(l observer.LoggedEntry) string {
	e := zapcore.NewMapObjectEncoder()
	for _, f := range l.Context {
		f.AddTo(e)
	}
	return fmt.Sprint(e.Fields)
}

// Every code of the table comes out of the REST shell, with its status, and of the web service where that has the
// function.
func TestEveryCodeIsProvoked(t *testing.T) {
	t.Parallel()
	u := setup(t)
	id := u.create("app", "optin_finalized")
	asleep := u.create("asleep", "optin_finalized")
	u.deactivate(asleep)
	sleeping := "/v1/webhooks/" + asleep
	// One event that the webhook does not get, and one that waits for the live path, which is not there.
	u.rest("demo", "POST", "/v1/events/optout_finalized", `{}`)
	u.rest("demo", "POST", "/v1/events/optin_finalized", `{}`, "Idempotency-Key", "an order")
	provoked := map[string]bool{}
	const good = `{"app":"a","event":"optin_finalized","url":"https://example.org"}`
	hook := "/v1/webhooks/" + id
	for _, c := range []struct {
		function           string
		code               int
		account            string
		method, path, body string
		header             []string
	}{
		{"CreateWebHook", 0, "demo", "POST", "/v1/webhooks", good, nil},
		{"CreateWebHook", 1, "nobody", "POST", "/v1/webhooks", good, nil},
		{"CreateWebHook", 2, "demo", "POST", "/v1/webhooks", `{}`, nil},
		{"CreateWebHook", 2, "demo", "POST", "/v1/webhooks", ``, nil},
		{"CreateWebHook", 3, "demo", "POST", "/v1/webhooks", strings.Replace(good, "optin", "x", 1), nil},
		{"CreateWebHook", 4, "demo", "POST", "/v1/webhooks", strings.Replace(good, "https", "x", 1), nil},
		{"CreateWebHook", 5, "demo", "POST", "/v1/webhooks", strings.Replace(good, ".org", ".net", 1), nil},
		{"CreateWebHook", 6, "demo", "POST", "/v1/webhooks", good[:len(good)-1] + `,"settings":{"maxInFlight":-1}}`, nil},
		{"CreateWebHook", 6, "demo", "POST", "/v1/webhooks", good[:len(good)-1] + `,"settings":{"maxInFlight":1001}}`, nil},
		{"CreateWebHook", 6, "demo", "POST", "/v1/webhooks", good[:len(good)-1] + `,"settings":{"timeout":"2m"}}`, nil},
		{"CreateWebHook", 6, "demo", "POST", "/v1/webhooks", good[:len(good)-1] + `,"settings":{"timeout":"-1s"}}`, nil},
		{"CreateWebHook", 6, "demo", "POST", "/v1/webhooks", good[:len(good)-1] + `,"settings":{"timeout":"5"}}`, nil},
		{"CreateWebHook", 6, "demo", "POST", "/v1/webhooks", good[:len(good)-1] + `,"settings":{"headers":{"Host":"x"}}}`, nil},
		{"CreateWebHook", 91, "demo", "POST", "/v1/webhooks", `{"application":"a"}`, nil},
		{"CreateWebHook", 91, "demo", "POST", "/v1/webhooks", `{"app":7}`, nil},
		{"CreateWebHook", 91, "demo", "POST", "/v1/webhooks", good + good, nil},
		{"CreateWebHook", 91, "demo", "POST", "/v1/webhooks", `{`, nil},
		{"CreateWebHook", 92, "demo", "POST", "/v1/webhooks", `{"app":"` + strings.Repeat("x", maxBody) + `"}`, nil},
		{"CreateWebHook", 93, "demo", "PUT", "/v1/webhooks", good, nil},
		{"CreateWebHook", 94, "demo", "POST", "/v1/webhooks", good, []string{"Sec-Fetch-Site", "cross-site"}},
		{"GetWebHooks", 0, "demo", "GET", "/v1/webhooks", "", nil},
		{"GetWebHook", 0, "demo", "GET", hook, "", nil},
		{"GetWebHook", 2, "demo", "GET", "/v1/webhooks/x", "", nil},
		{"GetWebHook", 3, "other", "GET", hook, "", nil},
		{"ActivateWebHook", 2, "demo", "POST", "/v1/webhooks/0/activate", "", nil},
		{"ActivateWebHook", 3, "other", "POST", hook + "/activate", "", nil},
		{"ActivateWebHook", 91, "demo", "POST", hook + "/activate", `{"replay":1}`, nil},
		{"GetAttempts", 2, "demo", "GET", "/v1/webhooks/x/attempts", "", nil},
		{"GetAttempts", 3, "other", "GET", hook + "/attempts", "", nil},
		{"GetAttempts", 4, "demo", "GET", hook + "/attempts?limit=0", "", nil},
		{"GetAttempts", 4, "demo", "GET", hook + "/attempts?limit=201", "", nil},
		{"GetAttempts", 4, "demo", "GET", hook + "/attempts?before=x", "", nil},
		{"GetAttempts", 4, "demo", "GET", hook + "/attempts?outcome=x", "", nil},
		{"GetNotices", 0, "demo", "GET", "/v1/notices?webhook=1&limit=200&before=7", "", nil},
		{"GetNotices", 2, "demo", "GET", "/v1/notices?webhook=x", "", nil},
		{"GetNotices", 2, "demo", "GET", "/v1/notices?limit=0", "", nil},
		{"GetNotices", 2, "demo", "GET", "/v1/notices?before=x", "", nil},
		{"DeleteWebHookById", 2, "demo", "DELETE", "/v1/webhooks/x", "", nil},
		{"DeleteWebHookById", 3, "other", "DELETE", hook, "", nil},
		{"GetAttempt", 2, "demo", "GET", "/v1/webhooks/x/attempts/1", "", nil},
		{"GetAttempt", 3, "other", "GET", hook + "/attempts/1", "", nil},
		{"GetAttempt", 4, "demo", "GET", hook + "/attempts/1", "", nil},
		{"GetAttempt", 4, "demo", "GET", hook + "/attempts/x", "", nil},
		{"RotateSecret", 0, "demo", "POST", hook + "/secret", "", nil},
		{"RotateSecret", 2, "demo", "POST", "/v1/webhooks/x/secret", "", nil},
		{"RotateSecret", 3, "other", "POST", hook + "/secret", "", nil},
		{"TestWebHook", 2, "demo", "POST", "/v1/webhooks/x/test", "", nil},
		{"TestWebHook", 3, "other", "POST", hook + "/test", "", nil},
		{"ProbeWebHook", 2, "demo", "POST", "/v1/webhooks/x/probe", "", nil},
		{"ProbeWebHook", 3, "other", "POST", hook + "/probe", "", nil},
		{"RedeliverEvent", 2, "demo", "POST", "/v1/webhooks/x/redeliver", `{"event":"1"}`, nil},
		{"RedeliverEvent", 3, "other", "POST", hook + "/redeliver", `{"event":"1"}`, nil},
		{"RedeliverEvent", 4, "demo", "POST", sleeping + "/redeliver", `{"event":"1"}`, nil},
		{"RedeliverEvent", 5, "demo", "POST", hook + "/redeliver", `{}`, nil},
		{"RedeliverEvent", 6, "demo", "POST", hook + "/redeliver", `{"event":"1"}`, nil},
		{"RedeliverEvent", 7, "demo", "POST", hook + "/redeliver", `{"event":"999"}`, nil},
		{"RedeliverEvent", 7, "demo", "POST", hook + "/redeliver", `{"event":"no such id"}`, nil},
		{"RedeliverEvent", 8, "demo", "POST", hook + "/redeliver", `{"event":"an order"}`, nil},
		{"ReplayEvents", 0, "demo", "POST", hook + "/replay", `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 2, "demo", "POST", "/v1/webhooks/x/replay", `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 3, "other", "POST", hook + "/replay", `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 4, "demo", "POST", sleeping + "/replay", `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 5, "demo", "POST", hook + "/replay", `{"from":"2020-01-02T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 5, "demo", "POST", hook + "/replay", `{"from":"yesterday","to":"2020-01-02T00:00:00Z"}`, nil},
		{"GetReplay", 0, "demo", "GET", hook + "/replay", "", nil},
		{"GetReplay", 2, "demo", "GET", "/v1/webhooks/x/replay", "", nil},
		{"GetReplay", 3, "other", "GET", hook + "/replay", "", nil},
		{"ExplainEvent", 0, "demo", "GET", hook + "/why?event=2", "", nil},
		{"ExplainEvent", 2, "demo", "GET", "/v1/webhooks/x/why?event=2", "", nil},
		{"ExplainEvent", 3, "other", "GET", hook + "/why?event=2", "", nil},
		{"ExplainEvent", 4, "demo", "GET", hook + "/why", "", nil},
		{"PublishEvent", 0, "demo", "POST", "/v1/events/optin_finalized", `{}`, nil},
		{"PublishEvent", 1, "nobody", "POST", "/v1/events/optin_finalized", `{}`, nil},
		{"PublishEvent", 2, "demo", "POST", "/v1/events/x", `{}`, nil},
		{"PublishEvent", 3, "demo", "POST", "/v1/events/optin_finalized", `{`, nil},
		{"PublishEvent", 3, "demo", "POST", "/v1/events/optin_finalized", ``, nil},
		{"PublishEvent", 4, "demo", "POST", "/v1/events/optin_finalized", `"` + strings.Repeat("x", event.MaxSize) + `"`, nil},
		{"PublishEvent", 5, "demo", "POST", "/v1/events/optin_finalized", `{}`, []string{"Idempotency-Key", strings.Repeat("x", maxKey+1)}},
		{"PublishEvent", 5, "demo", "POST", "/v1/events/optin_finalized", `{}`, []string{"Idempotency-Key", "ä"}},
		{"PublishEvent", 5, "demo", "POST", "/v1/events/optin_finalized", `{}`, []string{"Idempotency-Key", ""}},
		{"PublishEvent", 5, "demo", "POST", "/v1/events/optin_finalized", `{}`, []string{"Idempotency-Key", "a", "Idempotency-Key", "a"}},
		{"GetStats", 0, "demo", "GET", "/v1/stats?span=day", "", nil},
		{"GetStats", 2, "demo", "GET", "/v1/stats?span=week", "", nil},
		{"CreateAccount", 0, "demo", "POST", "/v1/accounts", `{"name":"third","password":"password"}`, nil},
		{"CreateAccount", 2, "other", "POST", "/v1/accounts", `{"name":"fourth","password":"password"}`, nil},
		{"CreateAccount", 3, "demo", "POST", "/v1/accounts", `{"name":"Four.th","password":"password"}`, nil},
		{"CreateAccount", 4, "demo", "POST", "/v1/accounts", `{"name":"fourth","password":"short"}`, nil},
		{"CreateAccount", 5, "demo", "POST", "/v1/accounts", `{"name":"other","password":"password"}`, nil},
		{"CreateAccount", 6, "demo", "POST", "/v1/accounts", `{"name":"fourth","password":"password","email":"Anna <a@example.org>"}`, nil},
		{"CreateAccount", 7, "demo", "POST", "/v1/accounts", `{"name":"fourth","password":"password","language":"tlh"}`, nil},
		{"GetAccount", 0, "demo", "GET", "/v1/accounts/other", "", nil},
		{"GetAccount", 0, "other", "GET", "/v1/accounts/other", "", nil},
		{"GetAccount", 2, "other", "GET", "/v1/accounts/demo", "", nil},
		{"GetAccount", 2, "demo", "GET", "/v1/accounts/fourth", "", nil},
		{"SetAccount", 0, "demo", "PATCH", "/v1/accounts/other", `{"email":"a@example.org"}`, nil},
		{"SetAccount", 2, "other", "PATCH", "/v1/accounts/demo", `{"email":"a@example.org"}`, nil},
		{"SetAccount", 2, "demo", "PATCH", "/v1/accounts/_seal", `{"email":"a@example.org"}`, nil},
		{"SetAccount", 3, "demo", "PATCH", "/v1/accounts/demo", `{"email":"a@example.org, b@example.org"}`, nil},
		{"SetAccount", 4, "demo", "PATCH", "/v1/accounts/demo", `{"language":"EN"}`, nil},
		{"", 90, "demo", "GET", "/v1/nothing", "", nil},
		{"", 90, "demo", "GET", "/", "", nil},
		{"", 90, "demo", "GET", "/v1/events/a/b", "", nil},
	} {
		status, code, answer := u.rest(c.account, c.method, c.path, c.body, c.header...)
		if code != c.code {
			t.Errorf("%s %s %.80s: %d %s, want code %d", c.method, c.path, c.body, status, answer, c.code)
		}
		u.expectStatus(c.function, code, status)
		provoked[c.function+strconv.Itoa(code)], provoked[strconv.Itoa(code)] = true, true
	}
	accepted := 0
	for range 2 * room / event.MaxSize {
		status, code, answer := u.rest("demo", "POST", "/v1/events/optin_finalized", `"`+strings.Repeat("x", event.MaxSize-2)+`"`)
		if code != 0 && code != 6 {
			t.Fatalf("publish into a store that gets full: %d %s", status, answer)
		}
		u.expectStatus("PublishEvent", code, status)
		provoked["PublishEvent"+strconv.Itoa(code)] = true
		if code == 0 {
			accepted++
		}
	}
	if n, err := u.broker.Count(t.Context(), event.Subject("demo", "optin_finalized"), 1, 0); err != nil || int(n) != accepted+2 {
		t.Errorf("the full store holds %d events, %v; accepted were %d", n, err, accepted+2)
	}
	for err, want := range map[error]int{
		fmt.Errorf("write: %w", record.ErrConflict):         97,
		fmt.Errorf("publish: %w", context.DeadlineExceeded): 98,
		errInsides: 99,
	} {
		u.backlogs.fail = err
		status, code, answer := u.rest("demo", "GET", "/v1/webhooks", "")
		webCode, message, _ := u.web("GetWebHooks")
		if code != want || webCode != want || strings.Contains(answer+message, "insides") || strings.Contains(answer, "write") {
			t.Errorf("%v: %d %s, %d %s, want code %d and no more", err, status, answer, webCode, message, want)
		}
		u.expectStatus("GetWebHooks", code, status)
		provoked[strconv.Itoa(code)] = true
	}
	if n := u.lines.FilterMessage("a request failed").FilterFieldKey("error").Len(); n != 2 {
		t.Errorf("%d lines on internal errors, want 2 (one each shell)", n)
	}
	for key, want := range map[string]int{`{"v":99,"id":900}`: 96, `{"v":1`: 95, `{}`: 95, `{"v":1,"id":7,"account":"other","event":"x"}`: 95} {
		u.overwrite("demo.900", key)
		for _, c := range []struct{ function, method, path string }{
			{"GetWebHook", "GET", ""}, {"ActivateWebHook", "POST", "/activate"}, {"DeleteWebHookById", "DELETE", ""}, {"GetAttempts", "GET", "/attempts"},
		} {
			// What replay does with them is its own affair; here they reach the registry.
			u.backlogs.fail = nil
			status, code, answer := u.rest("demo", c.method, "/v1/webhooks/900"+c.path, "")
			if code != want {
				t.Errorf("%s of %s: %d %s, want code %d", c.function, key, status, answer, want)
			}
			u.expectStatus(c.function, code, status)
			provoked[strconv.Itoa(code)] = true
		}
		entry, err := u.broker.Webhooks.Get(t.Context(), "demo.900")
		if err != nil || string(entry.Value) != key {
			t.Errorf("the record %s was touched: %v", key, err)
		}
	}
	for _, f := range functions {
		for _, c := range f.codes {
			if c.match == replay.ErrCrowded {
				continue // dozens of replays under way: package replay provokes it
			}
			if !provoked[f.Name+strconv.Itoa(c.Code)] {
				t.Errorf("nothing provokes code %d of %s", c.Code, f.Name)
			}
		}
	}
	for _, c := range shared {
		if !provoked[strconv.Itoa(c.Code)] {
			t.Errorf("nothing provokes the shared code %d", c.Code)
		}
	}
}

// expectStatus compares a status with the table's; success has one for each function.
func (u *bundle) expectStatus(function string, code, status int) {
	u.t.Helper()
	codes := Codes(function)
	if function == "" {
		codes = shared
	}
	for _, c := range codes {
		if c.Code == code && (code == 0 && status < 300 || c.Status == status) {
			return
		}
	}
	u.t.Errorf("%s: code %d with status %d is not in the table", function, code, status)
}

func TestCodesAreATable(t *testing.T) {
	t.Parallel()
	for _, f := range Functions() {
		codes := Codes(strings.ToUpper(f.Name))
		for i, c := range codes {
			if c.Text == "" || c.Status < 200 || i > 0 && codes[i-1].Code >= c.Code || (c.match == nil) != (c.Code == 0 || c.Code == 99) {
				t.Errorf("%s: the row %+v", f.Name, c)
			}
		}
		if codes[0].Code != 0 || codes[1].Code != 1 || codes[len(codes)-1].Code != 99 {
			t.Errorf("%s has the codes %+v", f.Name, codes)
		}
	}
	for lower, f := range webFunctions {
		if Codes(f.name) == nil || strings.ToLower(f.name) != lower {
			t.Errorf("the function %s of the web service is not in the table", f.name)
		}
	}
	if Codes("x") != nil {
		t.Error("an unknown function has codes")
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.create("app", "optin_finalized")
	u.backlogs.panics = true
	r := httptest.NewRequest(http.MethodGet, "/v1/webhooks/1", nil)
	r.SetBasicAuth("demo", password)
	w := u.send(r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "insides") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if u.lines.FilterMessage("a handler panicked").Len() != 1 {
		t.Error("the log has no line on the panic")
	}
}
