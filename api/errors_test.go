package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
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
	filtered := u.create("filtered", "optin_finalized")
	u.rest("demo", "PATCH", "/v1/webhooks/"+filtered, `{"filter":{"pointer":"/id","exists":true}}`)
	// One event that the webhook does not get, and one that waits for the live path, which is not there.
	u.rest("demo", "POST", "/v1/events/optout_finalized", `{}`)
	u.rest("demo", "POST", "/v1/events/optin_finalized", `{}`, "Idempotency-Key", "an order")
	provoked := map[string]bool{}
	const good = `{"app":"a","event":"optin_finalized","url":"https://example.org"}`
	for _, c := range []struct {
		function string
		code     int
		account  string
		// path has the values of the path's parameters, and the query.
		path, body string
		header     []string
	}{
		{"CreateWebHook", 0, "demo", "", good, nil},
		{"CreateWebHook", 1, "nobody", "", good, nil},
		{"CreateWebHook", 2, "demo", "", `{}`, nil},
		{"CreateWebHook", 2, "demo", "", ``, nil},
		{"CreateWebHook", 3, "demo", "", strings.Replace(good, "optin", "x", 1), nil},
		{"CreateWebHook", 4, "demo", "", strings.Replace(good, "https", "x", 1), nil},
		{"CreateWebHook", 5, "demo", "", strings.Replace(good, ".org", ".net", 1), nil},
		{"CreateWebHook", 6, "demo", "", good[:len(good)-1] + `,"settings":{"maxInFlight":-1}}`, nil},
		{"CreateWebHook", 6, "demo", "", good[:len(good)-1] + `,"settings":{"maxInFlight":1001}}`, nil},
		{"CreateWebHook", 6, "demo", "", good[:len(good)-1] + `,"settings":{"timeout":"2m"}}`, nil},
		{"CreateWebHook", 6, "demo", "", good[:len(good)-1] + `,"settings":{"timeout":"-1s"}}`, nil},
		{"CreateWebHook", 6, "demo", "", good[:len(good)-1] + `,"settings":{"timeout":"5"}}`, nil},
		{"CreateWebHook", 6, "demo", "", good[:len(good)-1] + `,"settings":{"headers":{"Host":"x"}}}`, nil},
		{"CreateWebHook", 7, "demo", "", good[:len(good)-1] + `,"filter":{"pointer":"id","equals":1}}`, nil},
		{"CreateWebHook", 8, "demo", "", good[:len(good)-1] + `,"events":["optin_*"]}`, nil},
		{"CreateWebHook", 8, "demo", "", strings.Replace(good, `"event":"optin_finalized"`, `"events":["opt in"]`, 1), nil},
		{"CreateWebHook", 3, "demo", "", strings.Replace(good, `"event":"optin_finalized"`, `"events":["opt*","x"]`, 1), nil},
		{"CreateWebHook", 9, "demo", "", good[:len(good)-1] + `,"from":"yesterday"}`, nil},
		{"CreateWebHook", 91, "demo", "", good[:len(good)-1] + `,"filter":{"path":"/id","equals":1}}`, nil},
		{"CreateWebHook", 91, "demo", "", `{"application":"a"}`, nil},
		{"CreateWebHook", 91, "demo", "", `{"app":7}`, nil},
		{"CreateWebHook", 91, "demo", "", good + good, nil},
		{"CreateWebHook", 91, "demo", "", `{`, nil},
		{"CreateWebHook", 92, "demo", "", `{"app":"` + strings.Repeat("x", maxBody) + `"}`, nil},
		{"CreateWebHook", 94, "demo", "", good, []string{"Sec-Fetch-Site", "cross-site"}},
		{"GetWebHooks", 0, "demo", "", "", nil},
		{"GetWebHooks", 2, "demo", "?limit=0", "", nil},
		{"GetWebHook", 0, "demo", id, "", nil},
		{"GetWebHook", 2, "demo", "x", "", nil},
		{"GetWebHook", 3, "other", id, "", nil},
		{"UpdateWebHook", 0, "demo", id, `{"app":"app","settings":{"timeout":"5s"}}`, nil},
		{"UpdateWebHook", 2, "demo", "x", `{}`, nil},
		{"UpdateWebHook", 3, "other", id, `{}`, nil},
		{"UpdateWebHook", 4, "demo", id, `{"app":""}`, nil},
		{"UpdateWebHook", 5, "demo", id, `{"url":"ftp://example.org"}`, nil},
		{"UpdateWebHook", 6, "demo", id, `{"url":"https://example.net"}`, nil},
		{"UpdateWebHook", 7, "demo", id, `{"settings":{"maxInFlight":1001}}`, nil},
		{"UpdateWebHook", 7, "demo", id, `{"settings":{"timeout":"5"}}`, nil},
		{"UpdateWebHook", 8, "demo", id, `{"app":"b"}`, []string{"If-Match", `"another"`}},
		{"UpdateWebHook", 9, "demo", id, `{"filter":{"pointer":"/id"}}`, nil},
		{"UpdateWebHook", 91, "demo", id, `{"event":"optout_finalized"}`, nil},
		{"UpdateWebHook", 91, "demo", id, `{}`, []string{"If-Match", `another`}},
		{"PauseWebHook", 2, "demo", "x", "", nil},
		{"PauseWebHook", 3, "other", id, "", nil},
		{"PauseWebHook", 4, "demo", asleep, "", nil},
		{"ActivateWebHook", 2, "demo", "0", "", nil},
		{"ActivateWebHook", 3, "other", id, "", nil},
		{"ActivateWebHook", 91, "demo", id, `{"replay":1}`, nil},
		{"GetAttempts", 2, "demo", "x", "", nil},
		{"GetAttempts", 3, "other", id, "", nil},
		{"GetAttempts", 4, "demo", id + "?limit=0", "", nil},
		{"GetAttempts", 4, "demo", id + "?limit=201", "", nil},
		{"GetAttempts", 4, "demo", id + "?before=x", "", nil},
		{"GetAttempts", 4, "demo", id + "?outcome=x", "", nil},
		{"GetNotices", 0, "demo", "?webhook=1&limit=200&before=7", "", nil},
		{"GetNotices", 2, "demo", "?webhook=x", "", nil},
		{"GetNotices", 2, "demo", "?limit=0", "", nil},
		{"GetNotices", 2, "demo", "?before=x", "", nil},
		{"DeleteWebHookById", 2, "demo", "x", "", nil},
		{"DeleteWebHookById", 3, "other", id, "", nil},
		{"GetAttempt", 2, "demo", "x/1", "", nil},
		{"GetAttempt", 3, "other", id + "/1", "", nil},
		{"GetAttempt", 4, "demo", id + "/1", "", nil},
		{"GetAttempt", 4, "demo", id + "/x", "", nil},
		{"RotateSecret", 0, "demo", id, "", nil},
		{"RotateSecret", 2, "demo", "x", "", nil},
		{"RotateSecret", 3, "other", id, "", nil},
		{"TestWebHook", 2, "demo", "x", "", nil},
		{"TestWebHook", 3, "other", id, "", nil},
		{"ProbeWebHook", 2, "demo", "x", "", nil},
		{"ProbeWebHook", 3, "other", id, "", nil},
		{"RedeliverEvent", 2, "demo", "x", `{"event":"1"}`, nil},
		{"RedeliverEvent", 3, "other", id, `{"event":"1"}`, nil},
		{"RedeliverEvent", 4, "demo", asleep, `{"event":"1"}`, nil},
		{"RedeliverEvent", 5, "demo", id, `{}`, nil},
		{"RedeliverEvent", 9, "demo", filtered, `{"event":"2"}`, nil},
		{"RedeliverEvent", 6, "demo", id, `{"event":"1"}`, nil},
		{"RedeliverEvent", 7, "demo", id, `{"event":"999"}`, nil},
		{"RedeliverEvent", 7, "demo", id, `{"event":"no such id"}`, nil},
		{"RedeliverEvent", 8, "demo", id, `{"event":"an order"}`, nil},
		{"ReplayEvents", 0, "demo", id, `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 2, "demo", "x", `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 3, "other", id, `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 4, "demo", asleep, `{"from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 5, "demo", id, `{"from":"2020-01-02T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, nil},
		{"ReplayEvents", 5, "demo", id, `{"from":"yesterday","to":"2020-01-02T00:00:00Z"}`, nil},
		{"GetReplay", 0, "demo", id, "", nil},
		{"GetReplay", 2, "demo", "x", "", nil},
		{"GetReplay", 3, "other", id, "", nil},
		{"ExplainEvent", 0, "demo", id + "?event=2", "", nil},
		{"ExplainEvent", 2, "demo", "x?event=2", "", nil},
		{"ExplainEvent", 3, "other", id + "?event=2", "", nil},
		{"ExplainEvent", 4, "demo", id, "", nil},
		{"PublishEvent", 0, "demo", "optin_finalized", `{}`, nil},
		{"PublishEvent", 1, "nobody", "optin_finalized", `{}`, nil},
		{"PublishEvent", 2, "demo", "x", `{}`, nil},
		{"PublishEvent", 3, "demo", "optin_finalized", `{`, nil},
		{"PublishEvent", 3, "demo", "optin_finalized", ``, nil},
		{"PublishEvent", 4, "demo", "optin_finalized", `"` + strings.Repeat("x", event.MaxSize) + `"`, nil},
		{"PublishEvent", 5, "demo", "optin_finalized", `{}`, []string{"Idempotency-Key", strings.Repeat("x", maxKey+1)}},
		{"PublishEvent", 5, "demo", "optin_finalized", `{}`, []string{"Idempotency-Key", "ä"}},
		{"PublishEvent", 5, "demo", "optin_finalized", `{}`, []string{"Idempotency-Key", ""}},
		{"PublishEvent", 7, "demo", "optin_finalized", `{}`, []string{"Saumer-Hops", "5"}},
		{"PublishEvent", 91, "demo", "optin_finalized", `{}`, []string{"Saumer-Hops", "-1"}},
		{"PublishEvent", 91, "demo", "optin_finalized", `{}`, []string{"Saumer-Hops", "1", "Saumer-Hops", "1"}},
		{"PublishEvent", 5, "demo", "optin_finalized", `{}`, []string{"Idempotency-Key", "a", "Idempotency-Key", "a"}},
		{"PublishEvent", 8, "demo", "optin_finalized", `{"other":1}`, []string{"Idempotency-Key", "an order"}},
		{"PublishEvents", 2, "demo", "", `[]`, nil},
		{"PublishEvents", 2, "demo", "", `[{"event":"optin_finalized","data":1}`, nil},
		{"PublishEvents", 2, "demo", "", `[{"event":"optin_finalized","data":1}]]`, nil},
		{"PublishEvents", 2, "demo", "", `{"event":"optin_finalized"}`, nil},
		{"PublishEvents", 2, "demo", "", `{"event":"optin_finalized","date":1}`, nil},
		{"PublishEvents", 2, "demo", "", strings.Repeat(`{"event":"optin_finalized","data":1}`, maxBatch+1), nil},
		{"PublishEvents", 92, "demo", "", strings.Repeat(" ", maxBatchBody+1), nil},
		{"GetEvents", 0, "demo", "?name=optin_finalized&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&limit=1&before=9", "", nil},
		{"GetEvents", 2, "demo", "?from=yesterday", "", nil},
		{"GetEvents", 2, "demo", "?to=", "", nil},
		{"GetEvents", 2, "demo", "?name=a.b", "", nil},
		{"GetEvents", 2, "demo", "?limit=201", "", nil},
		{"GetEvents", 2, "demo", "?before=x", "", nil},
		{"GetEvent", 0, "demo", "1", "", nil},
		{"GetEvent", 2, "other", "1", "", nil},
		{"GetEvent", 2, "demo", "no%20such%2Fid", "", nil},
		{"PublishEvent", 0, "demo", "optout_finalized", `{}`, []string{"Idempotency-Key", "an order"}},
		{"GetEvent", 4, "demo", "an%20order", "", nil},
		{"EraseEvent", 3, "demo", "an%20order", "", nil},
		{"EraseEvent", 2, "other", "1?bySequence=1", "", nil},
		{"EraseEvent", 2, "demo", "1", "", nil},
		{"EraseEvent", 2, "demo", "x?bySequence=1", "", nil},
		{"EraseEvent", 0, "demo", "1?bySequence=1", "", nil},
		{"EraseEvent", 0, "demo", "1?bySequence=1", "", nil},
		{"GetEvent", 3, "demo", "1", "", nil},
		{"GetEventTypes", 0, "other", "?limit=1&after=a", "", nil},
		{"GetEventTypes", 2, "demo", "?limit=0", "", nil},
		{"GetRejected", 0, "demo", "?account=nobody", "", nil},
		{"GetRejected", 2, "demo", "?account=no.body", "", nil},
		{"GetRejected", 3, "other", "?account=demo", "", nil},
		{"GetStats", 0, "demo", "?span=day", "", nil},
		{"GetStats", 2, "demo", "?span=week", "", nil},
		{"CreateAccount", 0, "demo", "", `{"name":"third","password":"password of it"}`, nil},
		{"CreateAccount", 2, "other", "", `{"name":"fourth","password":"password of it"}`, nil},
		{"CreateAccount", 3, "demo", "", `{"name":"Four.th","password":"password of it"}`, nil},
		{"CreateAccount", 4, "demo", "", `{"name":"fourth","password":"short"}`, nil},
		{"CreateAccount", 5, "demo", "", `{"name":"other","password":"password of it"}`, nil},
		{"CreateAccount", 6, "demo", "", `{"name":"fourth","password":"password of it","email":"Anna <a@example.org>"}`, nil},
		{"CreateAccount", 7, "demo", "", `{"name":"fourth","password":"password of it","language":"tlh"}`, nil},
		{"CreateAccount", 8, "demo", "", `{"name":"fourth","password":"password of it","zone":"Local"}`, nil},
		{"GetAccount", 0, "demo", "other", "", nil},
		{"GetAccount", 0, "other", "other", "", nil},
		{"GetAccount", 2, "other", "demo", "", nil},
		{"GetAccount", 2, "demo", "fourth", "", nil},
		{"SetAccount", 0, "demo", "other", `{"email":"a@example.org"}`, nil},
		{"SetAccount", 2, "other", "demo", `{"email":"a@example.org"}`, nil},
		{"SetAccount", 2, "demo", "_seal", `{"email":"a@example.org"}`, nil},
		{"SetAccount", 3, "demo", "demo", `{"email":"a@example.org, b@example.org"}`, nil},
		{"SetAccount", 4, "demo", "demo", `{"language":"EN"}`, nil},
		{"SetAccount", 5, "demo", "demo", `{"zone":"Alps/Chur"}`, nil},
		{"GetAccounts", 0, "other", "", "", nil},
		{"GetAccounts", 2, "demo", "?limit=1001", "", nil},
		{"SetPassword", 2, "other", "demo", `{"password":"another word"}`, nil},
		{"SetPassword", 3, "other", "other", `{"password":"another word"}`, nil},
		{"SetPassword", 3, "other", "other", `{"password":"another word","current":"wrong word"}`, nil},
		{"SetPassword", 4, "demo", "third", `{"password":"12345678"}`, nil},
		{"SetPassword", 0, "demo", "third", `{"password":"another word"}`, nil},
		{"DeleteAccount", 2, "other", "demo", "", nil},
		{"DeleteAccount", 3, "demo", "demo", "", nil},
		{"DeleteAccount", 0, "demo", "third", "", nil},
		{"GetAudit", 0, "demo", "other", "", nil},
		{"GetAudit", 2, "other", "demo", "", nil},
		{"GetAudit", 3, "other", "other?limit=0", "", nil},
		{"GetLimits", 0, "other", "", "", nil},
		{"SetLimits", 0, "demo", "other", `{"tests":5}`, nil},
		{"SetLimits", 2, "demo", "fourth", `{"tests":5}`, nil},
		{"SetLimits", 3, "other", "other", `{"tests":5}`, nil},
		{"SetLimits", 4, "demo", "other", `{"tests":-5}`, nil},
		{"CreateKey", 0, "other", "other", `{"label":"a"}`, nil},
		{"CreateKey", 2, "other", "demo", `{"label":"a"}`, nil},
		{"CreateKey", 3, "demo", "other", `{"label":"a\u0000"}`, nil},
		{"CreateKey", 4, "demo", "other", `{"label":"a","right":"some"}`, nil},
		{"CreateKey", 5, "demo", "other", `{"label":"a","expires":"soon"}`, nil},
		{"CreateKey", 5, "demo", "other", `{"label":"a","expires":"2020-01-01T00:00:00Z"}`, nil},
		{"GetKeys", 0, "demo", "other", "", nil},
		{"GetKeys", 2, "other", "demo", "", nil},
		{"GetKeys", 3, "demo", "other?limit=x", "", nil},
		{"RevokeKey", 2, "other", "demo/x", "", nil},
		{"RevokeKey", 3, "other", "other/x", "", nil},
	} {
		method, path := u.route(c.function, c.path)
		status, code, answer := u.rest(c.account, method, path, c.body, c.header...)
		if code != c.code {
			t.Errorf("%s %s %.80s: %d %s, want code %d", method, path, c.body, status, answer, c.code)
		}
		u.expectStatus(c.function, code, status)
		provoked[c.function+strconv.Itoa(code)], provoked[strconv.Itoa(code)] = true, true
	}
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"PUT", "/v1/webhooks", 93},
		{"GET", "/v1/nothing", 90},
		{"GET", "/", 90},
		{"GET", "/v1/events/a/b", 90},
	} {
		status, code, answer := u.rest("demo", c.method, c.path, "")
		if code != c.code {
			t.Errorf("%s %s: %d %s, want code %d", c.method, c.path, status, answer, c.code)
		}
		u.expectStatus("", code, status)
		provoked[strconv.Itoa(code)] = true
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
		&jetstream.APIError{Code: 400, ErrorCode: 10002}:    87,
		fmt.Errorf("write: %w", nats.ErrMaxPayload):         99,
		fmt.Errorf("write: %w", nats.ErrNoResponders):       88,
		fmt.Errorf("write: %w", registry.ErrIndex):          89,
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
	if n := u.lines.FilterMessage("a request failed").FilterFieldKey("error").Len(); n != 4 {
		t.Errorf("%d lines on internal errors, want 4 (one each shell and error)", n)
	}
	for key, want := range map[string]int{`{"v":99,"id":900}`: 96, `{"v":1`: 95, `{}`: 95, `{"v":1,"id":7,"account":"other","event":"x"}`: 95} {
		u.overwrite("demo.900", key)
		for _, function := range []string{"GetWebHook", "ActivateWebHook", "DeleteWebHookById", "GetAttempts"} {
			// What replay does with them is its own affair; here they reach the registry.
			u.backlogs.fail = nil
			method, path := u.route(function, "900")
			status, code, answer := u.rest("demo", method, path, "")
			if code != want {
				t.Errorf("%s of %s: %d %s, want code %d", function, key, status, answer, want)
			}
			u.expectStatus(function, code, status)
			provoked[strconv.Itoa(code)] = true
		}
		entry, err := u.broker.Webhooks.Get(t.Context(), "demo.900")
		if err != nil || string(entry.Value) != key {
			t.Errorf("the record %s was touched: %v", key, err)
		}
	}
	for _, f := range functions {
		for _, c := range f.codes {
			if c.match == backlog.ErrTooMany {
				continue // dozens of replays under way: package replay provokes it
			}
			if c.match == registry.ErrManyKeys {
				continue // a hundred keys: package registry provokes it
			}
			if !provoked[f.Name+strconv.Itoa(c.Code)] {
				t.Errorf("nothing provokes code %d of %s", c.Code, f.Name)
			}
		}
	}
	for _, c := range shared {
		if c.match == errRight || c.match == registry.ErrLimit {
			continue // TestLogins and TestGuessing provoke them
		}
		if !provoked[strconv.Itoa(c.Code)] {
			t.Errorf("nothing provokes the shared code %d", c.Code)
		}
	}
}

// route is the method and the path of a function in REST, with values for the parameters in the path, and the query.
func (u *bundle) route(function, values string) (method, path string) {
	u.t.Helper()
	f := lookup(function)
	if f == nil {
		u.t.Fatalf("there is no function %q", function)
	}
	values, query, asks := strings.Cut(values, "?")
	given := strings.Split(values, "/")
	path = regexp.MustCompile(`\{\w+\}`).ReplaceAllStringFunc(f.Path, func(string) string {
		value := given[0]
		given = given[1:]
		return value
	})
	if asks {
		path += "?" + query
	}
	return f.Method, path
}

// expectStatus compares a status with the table's.
func (u *bundle) expectStatus(function string, code, status int) {
	u.t.Helper()
	for _, c := range lookup(function).Codes() {
		if c.Code == code && c.Status == status {
			return
		}
	}
	u.t.Errorf("%s: code %d with status %d is not in the table", function, code, status)
}

// What is done is success, also where deliveries do not show it yet: an answer that says so, and not to try again.
func TestWhatIsDoneIsSuccess(t *testing.T) {
	t.Parallel()
	u := setup(t)
	id := u.create("app", "optin_finalized")
	for _, unindexed := range []bool{false, true} {
		u.backlogs.unindexed = unindexed
		method, path := u.route("ActivateWebHook", id)
		status, code, answer := u.rest("demo", method, path, `{}`)
		if status != http.StatusOK || code != 0 || strings.Contains(answer, `"note":"this is done, and not to be tried again`) != unindexed {
			t.Errorf("an activation (unindexed: %v) is answered %d %s", unindexed, status, answer)
		}
	}
}

func TestCodesAreATable(t *testing.T) {
	t.Parallel()
	for _, f := range Functions() {
		codes := lookup(strings.ToUpper(f.Name)).Codes()
		for i, c := range codes {
			if c.Text == "" || c.Status < 200 || i > 0 && codes[i-1].Code >= c.Code || (c.match == nil) != (c.Code == 0 || c.Code == 99) {
				t.Errorf("%s: the row %+v", f.Name, c)
			}
		}
		if codes[0].Code != 0 || codes[1].Code != 1 || codes[len(codes)-1].Code != 99 {
			t.Errorf("%s has the codes %+v", f.Name, codes)
		}
	}
	if lookup("x") != nil {
		t.Error("there is an unknown function")
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
