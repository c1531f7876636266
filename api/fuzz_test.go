package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/saumer/saumer/event"
)

// journal is the last revision of the journal: what was refused has not moved it.
func (u *bundle) journal() uint64 {
	u.t.Helper()
	stream, err := u.broker.JetStream.Stream(u.t.Context(), "KV_WEBHOOKS")
	if err != nil {
		u.t.Fatal(err)
	}
	return stream.CachedInfo().State.LastSeq
}

// with is the bundle for one call of a fuzz target.
func (u *bundle) with(t *testing.T) *bundle {
	v := *u
	v.t = t
	return &v
}

// expectCode checks that a code is one of the table's, and not an internal error.
func (u *bundle) expectCode(function string, code int) {
	u.t.Helper()
	if code == internal.Code {
		u.t.Errorf("%s: an internal error: %v", function, fieldsOf(u.lines.All()[u.lines.Len()-1]))
	}
	for _, c := range lookup(function).Codes() {
		if c.Code == code {
			return
		}
	}
	u.t.Errorf("%s: the code %d is not in the table", function, code)
}

// Whatever is sent to the web service ends with a code of the table, and what is refused changes nothing.
func FuzzWebService(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	for _, seed := range [][3]string{
		{"CreateWebHook", form, "app=a&event=optin_finalized&url=https%3A%2F%2Fexample.org%2F"},
		{"CreateWebHook", "application/json", `{"app":"a","event":"optin_finalized","url":"https://example.org:99999/"}`},
		{"CREATEWEBHOOK/", "application/json", `{"app":"\ud800","event":"optin_finalized","url":"https://exa mple.org/"}`},
		{"CreateWebHook", form, "app=%ff&event=optin_finalized&url=https://[::1%25eth0]/"},
		{"GetWebHooks", form, "app=a&advanced[event]=x"},
		{"ActivateWebHook", "application/json", `{"id":18446744073709551615,"replayEvents":true}`},
		{"ActivateWebHook", form, "webhookId=1&replayEvents=2"},
		{"DeleteWebHookById", form, "id=99999999999999999999999"},
		{"DeleteWebHookById", "application/json", `{"id":1e1}`},
		{"x", "multipart/form-data; boundary=b", "--b\r\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	u := setup(f)
	f.Fuzz(func(t *testing.T, function, contentType, body string) {
		u := u.with(t)
		// The login is put beside whatever comes, so that the functions are reached.
		switch kind, _, _ := strings.Cut(contentType, ";"); kind {
		case form:
			body = "username=demo&password=" + url.QueryEscape(password) + "&" + body
		case "application/json":
			if inside, ok := strings.CutPrefix(body, "{"); ok {
				body = `{"username":"demo","password":"` + password + `",` + inside
			}
		}
		before := u.journal()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = webServicePath + function
		r.Header["Content-Type"] = []string{contentType}
		w := u.send(r)
		if w.Code == http.StatusTemporaryRedirect || w.Code == http.StatusMovedPermanently {
			return // the path was not clean
		}
		var e Envelope
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatalf("%q %q %q answered %d %s: %v", function, contentType, body, w.Code, w.Body, err)
		}
		name := strings.ToLower(strings.TrimSuffix(function, "/"))
		u.expectCode(name, e.Error)
		if after := u.journal(); after != before && (e.Error != 0 || name == "getwebhooks") {
			t.Errorf("%q %q %q answered %s and changed the journal", function, contentType, body, w.Body)
		}
	})
}

// Whatever is sent to REST ends with a code and a status of the table, and what is refused changes nothing.
func FuzzREST(f *testing.F) {
	for _, seed := range [][4]string{
		{"POST", "/v1/webhooks", "", `{"app":"a","event":"optin_finalized","url":"https://example.org","settings":{"timeout":"1s","headers":{"A":"b"}}}`},
		{"POST", "/v1/webhooks", "", `{"app":"a","event":"optin_finalized","url":"https://example.org","settings":{"timeout":"1e9h","maxInFlight":-9}}`},
		{"POST", "/v1/webhooks", "", `{"settings":{"headers":{"\u0000":"\r\n"}}}`},
		{"GET", "/v1/webhooks", "app=%00&event=%ff;", ""},
		{"GET", "/v1/webhooks/1", "", ""},
		{"POST", "/v1/webhooks/1/activate", "", `{"replay":1}`},
		{"GET", "/v1/webhooks/1/attempts", "limit=99999999999999999999&before=-1&outcome=x", ""},
		{"GET", "/v1/webhooks/1/attempts", "limit=0200&before=18446744073709551615", ""},
		{"DELETE", "/v1/webhooks/18446744073709551616", "", ""},
		{"POST", "/v1/accounts", "", `{"name":"a.b","password":"12345678"}`},
		{"PATCH", "/v1/../x", "%zz", "{"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	u := setup(f)
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		u := u.with(t)
		before := u.journal()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, "/"+strings.TrimPrefix(path, "/"), query
		r.SetBasicAuth("demo", password)
		w := u.send(r)
		if w.Code >= 300 && w.Code < 400 || !strings.HasPrefix(r.URL.Path, "/v1/") {
			return
		}
		if w.Code < 300 {
			if method == http.MethodGet && u.journal() != before {
				t.Errorf("%q changed the journal", path)
			}
			return
		}
		var e struct {
			Error struct {
				Code    int
				Message string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Message == "" {
			t.Fatalf("%q %q?%q %q answered %d %s: %v", method, path, query, body, w.Code, w.Body, err)
		}
		if e.Error.Code == internal.Code || w.Code >= 500 {
			t.Errorf("%q %q?%q %q answered %d %s", method, path, query, body, w.Code, w.Body)
		}
		if u.journal() != before {
			t.Errorf("%q %q?%q %q answered %d %s and changed the journal", method, path, query, body, w.Code, w.Body)
		}
	})
}

// What is published is stored byte for byte or refused with a code, and what is refused is not stored.
func FuzzPublish(f *testing.F) {
	f.Add("optin_finalized", "", []byte(`{"b":1.00, "a":"<&>"}`), false)
	f.Add("optin_finalized", "key", []byte(` 1e99999 `), false)
	f.Add("optin_finalized", "\x7f\xff", []byte("\"\xff\xfe\""), false)
	f.Add("optin_finalized", " ", []byte(strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001)), false)
	f.Add("optin_finalized", "k", []byte(`-0`), true)
	f.Add("x.y", "", []byte{}, true)
	u := setup(f)
	f.Fuzz(func(t *testing.T, name, key string, body []byte, large bool) {
		u := u.with(t)
		if large {
			// To the limit and, if there is a body, beyond it.
			body = append([]byte(`"`+strings.Repeat("x", event.MaxSize-2)+`"`), body...)
		}
		before, err := u.broker.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/v1/events/"+url.PathEscape(name), strings.NewReader(string(body)))
		r.SetBasicAuth("demo", password)
		if key != "" {
			r.Header["Idempotency-Key"] = []string{key}
		}
		w := u.send(r)
		var answer struct {
			ID        string
			Sequence  uint64
			Duplicate bool
			Error     struct{ Code int }
		}
		if w.Code >= 300 && w.Code < 400 || w.Code == http.StatusNotFound {
			return
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%q %q %.100q answered %d %s: %v", name, key, body, w.Code, w.Body, err)
		}
		after, err := u.broker.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusAccepted {
			u.expectCode("PublishEvent", answer.Error.Code)
			if after.Last.Seq != before.Last.Seq {
				t.Errorf("%q %q %.100q answered %d %s and stored an event", name, key, body, w.Code, w.Body)
			}
			return
		}
		if answer.Duplicate {
			return
		}
		e, err := u.broker.Event(t.Context(), answer.Sequence)
		if err != nil || string(e.Data) != string(body) || e.Name != name || e.Account != "demo" || e.ID != answer.ID ||
			key != "" && e.ID != event.KeyID(key) {
			t.Errorf("%q %q %.100q is stored as %q %q %.100q, %v", name, key, body, e.Name, e.ID, e.Data, err)
		}
		if err := u.broker.Reject(t.Context(), event.Subject("demo", name), nil, nil, event.Position{Seq: answer.Sequence}, "room for the next"); err != nil {
			t.Fatal(err)
		}
	})
}
