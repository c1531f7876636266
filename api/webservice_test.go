package api

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/replay"
)

func TestWebServiceStory(t *testing.T) {
	t.Parallel()
	u := setup(t)
	code, message, result := u.web("CreateWebHook", "app", "newsletter", "event", "optin_finalized", "url", "https://example.org/hook?a=1&b=2")
	if code != 0 || message != "success" {
		t.Fatal(code, message)
	}
	golden(t, "CreateWebHook", result, `{"id":1,"app":"newsletter","event":"optin_finalized","url":"https://example.org/hook?a=1&b=2",
		"active":1,"state":"live","created":"NOW","failingSince":null,"deactivated":null,"reason":"","lastError":"",
		"nextAttempt":null,"lag":0,"cursor":0,"buffered":0,"keptUntil":null,"replayUntil":null,"gap":0,"ordered":0,"secret":"SECRET"}`)
	u.create("shop", "optout_finalized")

	u.deactivate("1")
	at := time.Date(2025, 11, 11, 10, 27, 29, 123456789, time.FixedZone("", 3600))
	u.backlogs.status = replay.Status{
		State: "inactive", FailingSince: at, LastError: "503", NextAttempt: at, Lag: 12, Cursor: 41, Buffered: 7, KeptUntil: at, Gap: 3,
	}
	const first = `{"id":1,"app":"newsletter","event":"optin_finalized","url":"https://example.org/hook?a=1&b=2",
		"active":0,"state":"inactive","created":"NOW","failingSince":"2025-11-11T09:27:29.123Z",
		"deactivated":"2025-11-12T09:27:29.000Z","reason":"it failed for 24 hours: the endpoint answered 503","lastError":"503",
		"nextAttempt":"2025-11-11T09:27:29.123Z","lag":12,"cursor":41,"buffered":7,"keptUntil":"2025-11-11T09:27:29.123Z","replayUntil":"2025-11-17T09:27:29.000Z","gap":3,"ordered":0}`
	const second = `{"id":2,"app":"shop","event":"optout_finalized","url":"https://example.org/shop",
		"active":1,"state":"live","created":"NOW","failingSince":null,"deactivated":null,"reason":"","lastError":"",
		"nextAttempt":null,"lag":0,"cursor":0,"buffered":0,"keptUntil":null,"replayUntil":null,"gap":0,"ordered":0}`
	for _, c := range []struct {
		parameters []string
		want       string
	}{
		{nil, "[" + first + "," + second + "]"},
		{[]string{"app", "newsletter"}, "[" + first + "]"},
		{[]string{"advanced[app]", "shop"}, "[" + second + "]"},
		{[]string{"ADVANCED[Event]", "optout_finalized"}, "[" + second + "]"},
		{[]string{"app", "newsletter", "advanced[app]", "shop"}, "[" + first + "]"},
		{[]string{"app", "newsletter", "event", "optout_finalized"}, "[]"},
	} {
		_, _, result := u.web("GetWebHooks", c.parameters...)
		golden(t, strings.Join(c.parameters, " "), result, c.want)
	}

	_, _, result = u.web("activatewebhook", "id", "1", "replayEvents", "1")
	golden(t, "ActivateWebHook", result, `{"id":1,"app":"newsletter","event":"optin_finalized","url":"https://example.org/hook?a=1&b=2",
		"active":1,"state":"live","created":"NOW","failingSince":null,"deactivated":null,"reason":"","lastError":"",
		"nextAttempt":null,"lag":0,"cursor":0,"buffered":0,"keptUntil":null,"replayUntil":null,"gap":0,"ordered":0,"replay":7}`)
	if code, _, result := u.web("ActivateWebHook", "id", "1", "replayEvents", "1"); code != 0 || !strings.HasSuffix(string(result), `"replay":0}`) {
		t.Errorf("activated again: %d %s", code, result)
	}
	_, _, result = u.web("DELETEWEBHOOKBYID", "id", "1")
	golden(t, "DeleteWebHookById", result, `{"id":1}`)
	if code, message, _ := u.web("DeleteWebHookById", "id", "1"); code != 3 || message != "webhook not found" {
		t.Errorf("deleted again: %d %s", code, message)
	}
	if id := u.create("third", "optin_finalized"); id != "3" {
		t.Errorf("the next id is %s, want 3", id)
	}
}

// Every way to write the same call.
func TestWebServiceForms(t *testing.T) {
	t.Parallel()
	u := setup(t)
	id := u.create("app", "optin_finalized")
	u.backlogs.status = replay.Status{State: "inactive", Buffered: 7}
	const form = "application/x-www-form-urlencoded"
	login := "username=demo&password=password+of+demo"
	for _, c := range []struct {
		contentType, body string
		code              int
		replay            bool
	}{
		{form, login + "&id=1&replayEvents=1", 0, true},
		{form + "; charset=utf-8", login + "&ID=1&REPLAYEVENTS=True", 0, true},
		{form, login + "&webhookId=1&advanced[replayEvents]=1", 0, true},
		{form, login + "&webHookId=1&advanced%5BreplayEvents%5D=true", 0, true},
		{form, login + "&id=1&replayEvents=0&advanced[replayEvents]=1", 0, false},
		{form, login + "&id=1&replayEvents=", 0, false},
		{form, login + "&id=1", 0, false},
		{form, login + "&id=1&id=1", 0, false},
		{form, login + "&advanced[id]=1", 0, false},
		{form, login + "&id=1&replayEvents=yes", 91, false},
		{form, login + "&id=1&id=2", 91, false},
		{form, login + "&id=1;a=%zz", 91, false},
		{"application/json", `{"username":"demo","password":"password of demo","id":1,"replayEvents":true}`, 0, true},
		{"application/json", `{"Username":"demo","PASSWORD":"password of demo","webHookId":"1","advanced":{"replayEvents":1}}`, 0, true},
		{"application/json", `{"username":"demo","password":"password of demo","id":1,"replayEvents":"1","advanced":null}`, 0, true},
		{"application/json", `{"username":"demo","password":"password of demo","id":1,"replayEvents":false,"advanced":{"replayEvents":1}}`, 0, false},
		{"application/json", `{"username":"demo","password":"password of demo","id":1.5}`, 2, false},
		{"application/json", `{"username":"demo","password":"password of demo","id":[1]}`, 91, false},
		{"application/json", `{"username":"demo","password":"password of demo","advanced":7,"id":1}`, 0, false},
		{"application/json", `{"username":"demo","password":"password of demo","id":1,"ID":2}`, 91, false},
		{"application/json", `{"username":"demo","password":"password of demo","id":1} {}`, 91, false},
		{"application/json", `[1]`, 91, false},
		{"application/json", `null`, 1, false},
		{"application/json", `{`, 91, false},
		{"application/json", ``, 91, false},
		{"text/plain", login + "&id=1", 91, false},
		{"", login + "&id=1", 91, false},
		{"multipart/form-data", "x", 91, false},
		{"multipart/form-data; boundary=b", "x", 91, false},
		{form, login + "&x=" + strings.Repeat("x", maxBody), 92, false},
		{"application/json", `{"x":"` + strings.Repeat("x", maxBody) + `"}`, 92, false},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + strings.Repeat("x", maxBody), 92, false},
	} {
		u.deactivate(id)
		code, message, result := u.webBody("ActivateWebHook", c.contentType, c.body)
		if code != c.code {
			t.Errorf("%s %.100s: %d %s, want %d", c.contentType, c.body, code, message, c.code)
		}
		if code == 0 && strings.HasSuffix(string(result), `"replay":7}`) != c.replay {
			t.Errorf("%s %.100s: %s, want replay %v", c.contentType, c.body, result, c.replay)
		}
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, value := range map[string]string{"username": "demo", "password": password, "id": id, "advanced[replayEvents]": "1"} {
		if err := m.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	u.deactivate(id)
	if code, message, result := u.webBody("ActivateWebHook", m.FormDataContentType(), body.String()); code != 0 || !strings.HasSuffix(string(result), `"replay":7}`) {
		t.Errorf("multipart: %d %s %s", code, message, result)
	}
}

func TestWebServiceLimits(t *testing.T) {
	t.Parallel()
	u := setup(t)
	for _, c := range []struct {
		app, event, url string
		code            int
		message         string
	}{
		{"", "optin_finalized", "https://example.org", 2, "app"},
		{" ", "optin_finalized", "https://example.org", 2, "app"},
		{strings.Repeat("x", maxApp+1), "optin_finalized", "https://example.org", 2, "200 bytes"},
		{"a\nb", "optin_finalized", "https://example.org", 2, "control characters"},
		{"a\xff", "optin_finalized", "https://example.org", 2, "app"},
		{"a", "", "https://example.org", 3, "optin_finalized, optout_finalized"},
		{"a", "optin", "https://example.org", 3, "unknown event: use one of optin_finalized, optout_finalized"},
		{"a", "optin_finalized", "", 4, "url"},
		{"a", "optin_finalized", "/relative", 4, "url"},
		{"a", "optin_finalized", "ftp://example.org", 4, "url"},
		{"a", "optin_finalized", "https://user:pw@example.org", 4, "url"},
		{"a", "optin_finalized", "https://example.org/#part", 4, "url"},
		{"a", "optin_finalized", "https://example.org/" + strings.Repeat("x", 2048), 4, "url"},
		{"a", "optin_finalized", "https://inside.example.net", 5, "not allowed"},
		{strings.Repeat("ä", maxApp/2), "optin_finalized", "https://example.org", 0, "success"},
		{"<script>", "optout_finalized", "http://example.org:8080/x?y", 0, "success"},
	} {
		code, message, result := u.web("CreateWebHook", "app", c.app, "event", c.event, "url", c.url)
		if code != c.code || !strings.Contains(message, c.message) {
			t.Errorf("%.40q %q %.60q: %d %s, want %d and %q", c.app, c.event, c.url, code, message, c.code, c.message)
		}
		if strings.Contains(message, "10.1.2.3") {
			t.Errorf("the answer tells what a name leads to: %s", message)
		}
		if code == 0 {
			var w struct{ App, URL string }
			if err := json.Unmarshal(result, &w); err != nil || w.App != c.app || w.URL != c.url {
				t.Errorf("made %s, %v", result, err)
			}
		}
	}
	for _, id := range []string{"", "0", "-1", "x", "1.0", "1 ", "18446744073709551616", "1.1"} {
		for _, function := range []string{"ActivateWebHook", "DeleteWebHookById"} {
			if code, message, _ := u.web(function, "id", id); code != 2 {
				t.Errorf("%s of %q: %d %s, want 2", function, id, code, message)
			}
		}
	}
}

func TestWebServiceWrongCalls(t *testing.T) {
	t.Parallel()
	u := setup(t)
	for _, function := range []string{"", "x", "CreateWebHook/x", "Codes", strings.Repeat("x", 3000), "%3Cscript%3E"} {
		if code, message, _ := u.web(function); code != 90 || len(message) > 300 {
			t.Errorf("the function %.40q: %d %s, want 90", function, code, message)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead} {
		w := u.send(httptest.NewRequest(method, webServicePath+"GetWebHooks", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" || !strings.Contains(w.Body.String(), `"error":93`) {
			t.Errorf("%s answered %d %s", method, w.Code, w.Body)
		}
	}
	refused := func(function, username, word string) {
		t.Helper()
		if code, message, _ := u.web(function, "username", username, "password", word); code != 1 || message != "login failed" {
			t.Errorf("%s as %q: %d %s, want 1 login failed", function, username, code, message)
		}
	}
	for _, name := range webNames() {
		refused(name, "demo", "wrong password")
	}
	refused("GetWebHooks", "nobody", password)
	refused("GetWebHooks", "Demo", password)
	refused("GetWebHooks", "", "")
	if code, message, _ := u.webBody("GetWebHooks", "application/x-www-form-urlencoded", ""); code != 1 || message != "login failed" {
		t.Errorf("without a login: %d %s", code, message)
	}
	for _, l := range u.lines.All() {
		if s := l.Message + " " + fieldsOf(l); strings.Contains(s, "wrong password") || strings.Contains(s, password) {
			t.Errorf("a password is in the log: %s", s)
		}
	}
}
