package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

func TestRESTStory(t *testing.T) {
	t.Parallel()
	u := setup(t)
	expect := func(method, path, body string, status int, want string) {
		t.Helper()
		got, _, answer := u.rest("demo", method, path, body)
		if got != status {
			t.Errorf("%s %s answered %d %s, want %d", method, path, got, answer, status)
		}
		golden(t, method+" "+path, answer, want)
	}
	const properties = `"id":1,"app":"shop","event":"optin_finalized","url":"https://example.org/hook",
		"active":true,"state":"live","created":"NOW","failingSince":null,"deactivated":null,"reason":"","lastError":"",
		"nextAttempt":null,"lag":0,"cursor":0,"buffered":0,"keptUntil":null,"replayUntil":null,"gap":0,"ordered":false,"settings":{"maxInFlight":4,"timeout":"5s"}`
	expect("POST", "/v1/webhooks", `{"app":"shop","event":"optin_finalized","url":"https://example.org/hook",
		"settings":{"maxInFlight":4,"timeout":"5s","headers":{"Authorization":"Bearer x"}}}`, 201, `{`+properties+`,"secret":"SECRET"}`)
	w, err := u.registry.Get(t.Context(), "demo.1")
	if err != nil || w.Settings.Headers["Authorization"] != "Bearer x" || w.Settings.Timeout != 5*time.Second {
		t.Errorf("stored %+v, %v", w.Settings, err)
	}
	expect("GET", "/v1/webhooks", "", 200, `{"webhooks":[{`+properties+`}],"next":null}`)
	expect("GET", "/v1/webhooks?app=x", "", 200, `{"webhooks":[],"next":null}`)
	expect("GET", "/v1/webhooks?event=optin_finalized&app=shop", "", 200, `{"webhooks":[{`+properties+`}],"next":null}`)
	expect("GET", "/v1/webhooks/1", "", 200, `{`+properties+`}`)
	u.deactivate("1")
	u.backlogs.status = replay.Status{State: "inactive", Buffered: 9}
	expect("POST", "/v1/webhooks/1/activate", `{"replay":true}`, 200, `{`+properties+`,"replay":9}`)
	expect("POST", "/v1/webhooks/1/activate", "", 200, `{`+properties+`,"replay":0}`)
	expect("GET", "/v1/webhooks/1/attempts", "", 200, `{"attempts":[],"next":null}`)
	expect("DELETE", "/v1/webhooks/1", "", 204, "")
	expect("DELETE", "/v1/webhooks/1", "", 404, `{"type":"/reference#DeleteWebHookById-3","title":"webhook not found","status":404,
		"detail":"webhook not found","code":3,"error":{"code":3,"message":"webhook not found"}}`)
	expect("POST", "/v1/accounts", `{"name":"third","password":"password of third","operator":true}`, 201, `{"name":"third","operator":true,"email":"","language":"","zone":""}`)
	if a, err := u.accounts.Login(t.Context(), registry.Credentials{Account: "third", Secret: "password of third"}); err != nil || !a.Operator {
		t.Errorf("login as the new account: %+v, %v", a, err)
	}
}

func TestOrderedIsASetting(t *testing.T) {
	t.Parallel()
	u := setup(t)
	for i, c := range []struct{ settings, want string }{
		{`{"ordered":true}`, `"ordered":true,"settings":{"ordered":true}`},
		{`{"ordered":true,"maxInFlight":1}`, `"ordered":true,"settings":{"maxInFlight":1,"ordered":true}`},
		{`{"ordered":true,"maxInFlight":2}`, "leave maxInFlight out"},
	} {
		_, _, answer := u.rest("demo", "POST", "/v1/webhooks", fmt.Sprintf(`{"app":"a%d","event":"optin_finalized","url":"https://example.org/","settings":%s}`, i, c.settings))
		if !strings.Contains(string(answer), c.want) {
			t.Errorf("%s answered %s", c.settings, answer)
		}
	}
	for _, c := range []struct{ value, want string }{{"1", `"ordered":1`}, {"0", `"ordered":0`}} {
		if code, message, result := u.web("CreateWebHook", "app", "a", "event", "optin_finalized", "url", "https://example.org/", "ordered", c.value); !strings.Contains(string(result), c.want) {
			t.Errorf("ordered %s answered %d %s %s", c.value, code, message, result)
		}
	}
	if _, _, result := u.web("GetWebHooks"); strings.Count(string(result), `"ordered":1`) != 3 {
		t.Errorf("listed are %s", result)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	u := setup(t)
	const body = "{\"b\":1.00, \"a\":\"<&>\"}\n"
	for _, c := range []struct{ account, key, want string }{
		{"demo", "order.6%", `{"id":"order%2E6%25","sequence":1,"duplicate":false}`},
		{"demo", "order 7", `{"id":"order 7","sequence":2,"duplicate":false}`},
		{"demo", "order 7", `{"id":"order 7","sequence":2,"duplicate":true}`},
		{"other", "order 7", `{"id":"order 7","sequence":3,"duplicate":false}`},
		{"demo", strings.Repeat("~", maxKey), `{"id":"` + strings.Repeat("~", maxKey) + `","sequence":4,"duplicate":false}`},
	} {
		var header []string
		if c.key != "" {
			header = []string{"Idempotency-Key", c.key}
		}
		status, _, answer := u.rest(c.account, "POST", "/v1/events/optin_finalized", body, header...)
		if status != http.StatusAccepted {
			t.Errorf("answered %d", status)
		}
		golden(t, c.account+" "+c.key, answer, c.want)
	}
	_, _, answer := u.rest("demo", "POST", "/v1/events/optin_finalized", body)
	var receipt struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &receipt); err != nil {
		t.Fatal(err)
	}
	if drawn, err := u.broker.Event(t.Context(), 5); err != nil || drawn.ID != receipt.ID || receipt.ID == "" || strings.Contains(receipt.ID, ".") {
		t.Errorf("answered %s, and stored with the id %q, %v", answer, drawn.ID, err)
	}
	e, err := u.broker.Event(t.Context(), 3)
	if err != nil || e.Account != "other" || e.Name != "optin_finalized" || e.ID != "order 7" || string(e.Data) != body {
		t.Errorf("stored %+v %s, %v", e, e.Data, err)
	}
	// A key is one event's and one body's.
	if status, _, answer := u.rest("demo", "POST", "/v1/events/optout_finalized", body, "Idempotency-Key", "order 7"); status != http.StatusAccepted || strings.Contains(answer, "true") {
		t.Errorf("the same key for another event: %d %s", status, answer)
	}
	if status, _, answer := u.rest("demo", "POST", "/v1/events/optin_finalized", "8", "Idempotency-Key", "order 7"); status != http.StatusUnprocessableEntity || !strings.Contains(answer, "another body") {
		t.Errorf("the same key with another body: %d %s", status, answer)
	}
	// Whatever message ids others take on NATS, they suppress no event here.
	for _, id := range []string{"order 9", "demo:order 9", event.MessageID("demo", "optin_finalized", "order 9")} {
		if _, err := u.broker.JetStream.PublishMsg(t.Context(), &nats.Msg{Subject: "events.other.optin_finalized", Header: nats.Header{nats.MsgIdHdr: {id}}, Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
	}
	status, _, answer := u.rest("demo", "POST", "/v1/events/optin_finalized", "9", "Idempotency-Key", "order 9")
	if status != http.StatusAccepted || strings.Contains(answer, "true") || !strings.Contains(answer, `"id":"order 9"`) {
		t.Errorf("a key that others have taken on NATS: %d %s", status, answer)
	}
	// The largest body there may be.
	status, _, answer = u.rest("demo", "POST", "/v1/events/optin_finalized", `"`+strings.Repeat("x", 1<<20-2)+`"`)
	if status != http.StatusAccepted {
		t.Errorf("a body of 1 MiB: %d %s", status, answer)
	}
}

func TestAttemptsByPage(t *testing.T) {
	t.Parallel()
	u := setup(t)
	id := u.create("app", "optin_finalized")
	at := time.Date(2025, 11, 11, 9, 27, 29, 0, time.UTC)
	for i := range 3 {
		a := delivery.Attempt{Seq: 5, ID: "order", Number: i + 1, At: at, Duration: 1500 * time.Microsecond, Outcome: delivery.Unavailable, Status: 503, Error: "answered 503", Response: []byte("b\xffy")}
		if i == 2 {
			a = delivery.Attempt{Seq: 5, ID: "order", Number: 3, Replay: true, At: at, Duration: time.Second, Outcome: delivery.Delivered, Status: 200}
		}
		u.attempts.Append("demo."+id, a)
	}
	logged, _, err := u.attempts.List(t.Context(), "demo."+id, delivery.LogFilter{})
	if err != nil || len(logged) != 3 {
		t.Fatal(logged, err)
	}
	position := func(text string) string {
		for i, e := range logged {
			text = strings.ReplaceAll(text, fmt.Sprintf("POSITION%d", 3-i), strconv.FormatUint(e.Position, 10))
		}
		return text
	}
	path := "/v1/webhooks/" + id + "/attempts"
	const last = `{"position":POSITION3,"sequence":5,"id":"order","attempt":3,"replay":true,"test":false,"at":"2025-11-11T09:27:29.000Z","milliseconds":1000,"outcome":"delivered","status":200,"error":"","response":""}`
	const second = `{"position":POSITION2,"sequence":5,"id":"order","attempt":2,"replay":false,"test":false,"at":"2025-11-11T09:27:29.000Z","milliseconds":1.5,"outcome":"unavailable","status":503,"error":"answered 503","response":"b\ufffdy"}`
	first := strings.NewReplacer(`POSITION2`, `POSITION1`, `"attempt":2`, `"attempt":1`).Replace(second)
	for query, want := range map[string]string{
		"":                          `{"attempts":[` + last + "," + second + "," + first + `],"next":null}`,
		"?limit=2":                  `{"attempts":[` + last + "," + second + `],"next":POSITION2}`,
		"?limit=2&before=POSITION2": `{"attempts":[` + first + `],"next":null}`,
		"?outcome=failed":           `{"attempts":[` + second + "," + first + `],"next":null}`,
		"?outcome=delivered":        `{"attempts":[` + last + `],"next":null}`,
		"?outcome=unavailable":      `{"attempts":[` + second + "," + first + `],"next":null}`,
	} {
		_, _, answer := u.rest("demo", "GET", path+position(query), "")
		golden(t, query, answer, position(want))
	}
}

// Another account's webhook does not exist, by no way to ask for it.
func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	u := setup(t)
	id := u.create("app", "optin_finalized")
	u.deactivate(id)
	hook := "/v1/webhooks/" + id
	for _, c := range [][2]string{{"GET", hook}, {"DELETE", hook}, {"POST", hook + "/activate"}, {"GET", hook + "/attempts"}} {
		status, code, other := u.rest("other", c[0], c[1], "")
		_, _, nothing := u.rest("other", c[0], strings.Replace(c[1], hook, "/v1/webhooks/999", 1), "")
		if status != http.StatusNotFound || code != 3 || other != nothing {
			t.Errorf("%s %s as another account: %d %s, for no webhook %s", c[0], c[1], status, other, nothing)
		}
	}
	for _, function := range []string{"ActivateWebHook", "DeleteWebHookById"} {
		if code, message, _ := u.web(function, "username", "other", "id", id); code != 3 || message != "webhook not found" {
			t.Errorf("%s as another account: %d %s", function, code, message)
		}
	}
	if _, _, result := u.web("GetWebHooks", "username", "other"); string(result) != "[]" {
		t.Errorf("another account sees %s", result)
	}
	if w, err := u.registry.Get(t.Context(), "demo."+id); err != nil || w.Active {
		t.Errorf("the webhook afterwards: %+v, %v", w, err)
	}
}

func TestLoginIsAskedFor(t *testing.T) {
	t.Parallel()
	u := setup(t)
	w := u.send(httptest.NewRequest(http.MethodGet, "/v1/webhooks", nil))
	if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic realm=") {
		t.Errorf("without a login: %d %v", w.Code, w.Header())
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the header is %v", w.Header())
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	u := setup(t)
	get := func(path string) (int, string) {
		w := u.send(httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, c := range []struct {
		path   string
		ready  error
		status int
		body   string
	}{
		{"/healthz", nil, 200, `{"status":"ok"}`},
		{"/readyz", nil, 200, `{"status":"ready"}`},
		{"/healthz", errInsides, 200, `{"status":"ok"}`},
		{"/readyz", errInsides, 503, `{"status":"not ready: the reason is in the log"}`},
		{"/readyz", errInsides, 503, `{"status":"not ready: the reason is in the log"}`},
		{"/readyz", nil, 200, `{"status":"ready"}`},
	} {
		u.ready = c.ready
		if status, body := get(c.path); status != c.status || body != c.body {
			t.Errorf("%s, ready %v: %d %s", c.path, c.ready, status, body)
		}
	}
	lines := u.lines.FilterMessage("the process is not ready").All()
	if len(lines) != 1 {
		t.Errorf("%d lines, want 1", len(lines))
	}
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := NewServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("the server is %+v", s)
	}
}

// A query that does not say what its writer meant is refused, and changes nothing.
func TestQueryIsTakenAsAWhole(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.publish("demo", "optin_finalized", "", "1")
	u.publish("demo", "optin_finalized", "1", "2")
	for _, c := range []struct{ method, path, named string }{
		{"DELETE", "/v1/events/1?bysequence=true", `\"bysequence\"`},
		{"DELETE", "/v1/events/1?by_sequence=true", `\"by_sequence\"`},
		{"DELETE", "/v1/events/1?bySequence=false&bySequence=true", `\"bySequence\" twice`},
		{"DELETE", "/v1/events/1?bySequence=true&bySequence=true", `\"bySequence\" twice`},
		{"DELETE", "/v1/events/1?bySequence", `\"bySequence\" has no value`},
		{"DELETE", "/v1/events/1?bySequence=", `\"bySequence\" has no value`},
		{"DELETE", "/v1/events/1?bySequence=true;x=1", "semicolon"},
		{"DELETE", "/v1/events/1?bySequence=true&%zz", "%zz"},
		{"DELETE", "/v1/events/1?event=2", `\"event\"`},
		{"GET", "/v1/events?Limit=1", `\"Limit\"`},
		{"GET", "/v1/webhooks?limit=1&limit=2", `\"limit\" twice`},
		{"GET", "/v1/accounts/demo?x=1", `\"x\"`},
		{"POST", "/v1/events/optin_finalized?idempotency-key=a", `\"idempotency-key\"`},
		{"POST", "/v1/events?x", `\"x\"`},
	} {
		if status, code, answer := u.rest("demo", c.method, c.path, "3"); status != http.StatusBadRequest || code != 91 || !strings.Contains(answer, c.named) {
			t.Errorf("%s %s answered %d %s", c.method, c.path, status, answer)
		}
	}
	if all, _ := u.events(nil); len(all) != 2 {
		t.Errorf("left are %+v", all)
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/events/1?bySequence=true", ""); status != http.StatusOK || answer != `{"sequence":1}` {
		t.Errorf("a flag with a value: %d %s", status, answer)
	}
}
