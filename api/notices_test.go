package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/registry"
)

func TestNoticesByPage(t *testing.T) {
	t.Parallel()
	u := setup(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tell := func(account string, id, buffered uint64, n backlog.Notice) {
		t.Helper()
		w := registry.Webhook{ID: id, Account: account, App: "tourism", Event: "optin_finalized", URL: "https://example.org/hook?key=secret", Deactivated: at, Reason: "down"}
		for range 2 { // the second time changes nothing
			if err := u.notices.Tell(t.Context(), w, n, buffered); err != nil {
				t.Fatal(err)
			}
		}
	}
	tell("demo", 1, 0, backlog.Notice{Kind: backlog.Exhausted, At: at, Reason: "no", Seqs: []uint64{3, 5}, Attempts: 10})
	tell("other", 2, 0, backlog.Notice{Kind: backlog.Failing, At: at})
	tell("demo", 3, 4, backlog.Notice{Kind: backlog.Failing, At: at, Since: at.Add(-time.Hour), Reason: "down", Deactivation: at.Add(time.Hour)})
	tell("demo", 1, 0, backlog.Notice{Kind: backlog.Deactivated, At: at, Reason: "down"})

	get := func(query string) string {
		t.Helper()
		status, _, body := u.rest("demo", "GET", "/v1/notices"+query, "")
		if status != 200 || strings.Contains(body, "secret") {
			t.Fatalf("%s: %d %s", query, status, body)
		}
		return body
	}
	failing := `{"sequence":3,"kind":"failing","at":"2026-03-01T12:00:00.000Z","webhook":3,"app":"tourism","event":"optin_finalized",` +
		`"host":"example.org","reason":"down","since":"2026-03-01T11:00:00.000Z","deactivation":"2026-03-01T13:00:00.000Z","buffered":4,` +
		`"replayUntil":null,"link":"","expires":null,"sequences":[],"attempts":0,"events":0,"until":null,"channels":[]}`
	exhausted := `{"sequence":1,"kind":"exhausted","at":"2026-03-01T12:00:00.000Z","webhook":1,"app":"tourism","event":"optin_finalized",` +
		`"host":"example.org","reason":"no","since":null,"deactivation":null,"buffered":0,` +
		`"replayUntil":null,"link":"","expires":null,"sequences":[3,5],"attempts":10,"events":0,"until":null,"channels":[]}`
	golden(t, "the second page", get("?limit=1&before=4"), `{"notices":[`+failing+`],"next":3}`)
	golden(t, "the last page", get("?limit=1&before=3"), `{"notices":[`+exhausted+`],"next":null}`)
	golden(t, "one webhook's", get("?webhook=3"), `{"notices":[`+failing+`],"next":null}`)
	if first := get(""); strings.Count(first, `"kind"`) != 3 || !strings.Contains(first, `"link":"https://hooks.example.org/reactivate/`) ||
		strings.Index(first, "deactivated") > strings.Index(first, "exhausted") {
		t.Errorf("all notices are %s", first)
	}
	// Whoever has a link may activate, which a key that only reads may not.
	for right, want := range map[string]bool{"all": true, "read-only": false} {
		r := httptest.NewRequest("GET", "/v1/notices", nil)
		r.Header.Set("Authorization", "Bearer "+u.key("demo", right))
		if body := u.send(r).Body.String(); strings.Contains(body, "/reactivate/") != want || !strings.Contains(body, "deactivated") {
			t.Errorf("with a key that is %s: %s", right, body)
		}
	}
}

func TestContactOfAnAccount(t *testing.T) {
	t.Parallel()
	u := setup(t)
	for _, c := range [][3]string{
		{"GET", "", `{"name":"other","operator":false,"email":"","language":"","zone":""}`},
		{"PATCH", `{"email":"anna@example.org"}`, `{"name":"other","operator":false,"email":"anna@example.org","language":"","zone":""}`},
		{"PATCH", `{"language":"de"}`, `{"name":"other","operator":false,"email":"anna@example.org","language":"de","zone":""}`},
		{"PATCH", `{"email":""}`, `{"name":"other","operator":false,"email":"","language":"de","zone":""}`},
		{"PATCH", `{"zone":"Europe/Zurich"}`, `{"name":"other","operator":false,"email":"","language":"de","zone":"Europe/Zurich"}`},
		{"GET", "", `{"name":"other","operator":false,"email":"","language":"de","zone":"Europe/Zurich"}`},
	} {
		if status, _, body := u.rest("other", c[0], "/v1/accounts/other", c[1]); status != 200 || body != c[2] {
			t.Errorf("%s %s: %d %s, want %s", c[0], c[1], status, body, c[2])
		}
	}
	status, _, body := u.rest("demo", "POST", "/v1/accounts", `{"name":"third","password":"password of it","email":"c@example.org","language":"de","zone":"UTC"}`)
	if want := `{"name":"third","operator":false,"email":"c@example.org","language":"de","zone":"UTC"}`; status != 201 || body != want {
		t.Errorf("a new account: %d %s, want %s", status, body, want)
	}
	if a, err := u.accounts.Login(t.Context(), registry.Credentials{Account: "third", Secret: "password of it"}); err != nil || a.Contact != (registry.Contact{Email: "c@example.org", Language: "de", Zone: "UTC"}) {
		t.Errorf("its login: %+v, %v", a, err)
	}
}
