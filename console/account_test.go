package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// formToken finds the token that a page's forms carry.
var formToken = regexp.MustCompile(`name="form" value="([^"]+)"`)

// post sends a form of a page, with its token, and returns the page that it leads to.
func (w *world) post(page, path string, form url.Values) string {
	w.t.Helper()
	token := formToken.FindStringSubmatch(w.read(w.client.Get(w.base + page)))
	if token == nil {
		w.t.Fatalf("%s has no form", page)
	}
	form.Set("form", token[1])
	return w.read(w.client.PostForm(w.base+path, form))
}

// cookie is the visitor's session.
func (w *world) cookie() string {
	w.t.Helper()
	u, err := url.Parse(w.base + "/console/")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range w.client.Jar.Cookies(u) {
		if c.Name == "saumer" {
			return c.Value
		}
	}
	return ""
}

// lets says whether a cookie lets somebody see a page.
func (w *world) lets(cookie string) bool {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+"/console/account", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "saumer", Value: cookie})
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close() // only the status counts
	return res.StatusCode == http.StatusOK
}

// A key of the page lets a machine in until it is revoked, and the page tells who did what.
func TestAccountPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.post("/console/account", "/console/account/keys", url.Values{"label": {"the shop"}, "right": {"read-only"}, "days": {"30"}})
	key := regexp.MustCompile(`saumer_demo_[A-Z2-7]+_[A-Z2-7]+`).FindString(made)
	if key == "" || !strings.Contains(made, "the shop") {
		t.Fatalf("the page shows no key: %s", made)
	}
	ask := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.base+"/v1/webhooks", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // only the status counts
		return res.StatusCode
	}
	if status := ask(); status != http.StatusOK {
		t.Errorf("the key: %d", status)
	}
	again := w.read(w.client.Get(w.base + "/console/account"))
	if strings.Contains(again, key) || !strings.Contains(again, "CreateKey") || !strings.Contains(again, "session") || !strings.Contains(again, "Webhooks that there are.") {
		t.Errorf("the page afterwards: %s", again)
	}
	said := w.post("/console/account", "/console/account/keys/"+strings.Split(key, "_")[2]+"/revoke", url.Values{})
	if status := ask(); status != http.StatusUnauthorized || !strings.Contains(said, "lets nobody in any more") {
		t.Errorf("the key that was revoked: %d %s", status, said)
	}
	for _, wrong := range []url.Values{{"label": {""}, "right": {"all"}}, {"label": {"x"}, "right": {"most"}}, {"label": {"x"}, "right": {"all"}, "days": {"-1"}}} {
		if page := w.post("/console/account", "/console/account/keys", wrong); !strings.Contains(page, `role="alert"`) {
			t.Errorf("%v: %s", wrong, page)
		}
	}
}

// The contact of the page is that of mails, and its language goes before one that was chosen in the browser.
func TestContactIsSet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.post("/console/account", "/console/language", url.Values{"language": {"en"}, "next": {"/console/"}})
	page := w.post("/console/account", "/console/account/contact", url.Values{"email": {" anna@example.org "}, "language": {"de"}, "zone": {"Europe/Zurich"}})
	if !strings.Contains(page, `<html lang="de">`) || !strings.Contains(page, `value="anna@example.org"`) || !strings.Contains(page, `value="Europe/Zurich"`) {
		t.Errorf("the page afterwards: %s", page)
	}
	if page := w.post("/console/account", "/console/account/contact", url.Values{"email": {"nobody"}}); !strings.Contains(page, `role="alert"`) || !strings.Contains(page, `value="anna@example.org"`) {
		t.Errorf("an address that is none: %s", page)
	}
}

// A logout ends the session for whoever has its cookie, and a new password ends all but the one that set it.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.cookie()
	login := func(password string) {
		w.read(w.client.PostForm(w.base+"/console/login", url.Values{"account": {"demo"}, "password": {password}}))
	}
	w.post("/console/account", "/console/logout", url.Values{})
	if w.lets(first) {
		t.Error("the cookie works on after the logout")
	}
	login(password)
	second := w.cookie()
	login(password) // the page of the login leads on: this is no other session
	if !w.lets(second) {
		t.Error("another session ended with the first")
	}
	wrong := url.Values{"current": {"not this"}, "password": {"another word"}, "again": {"another word"}}
	if page := w.post("/console/account", "/console/account/password", wrong); !strings.Contains(page, "current password") || !w.lets(second) {
		t.Errorf("a wrong current password: %s", page)
	}
	right := url.Values{"current": {password}, "password": {"another word"}, "again": {"another word"}}
	if page := w.post("/console/account", "/console/account/password", right); !strings.Contains(page, "new password") {
		t.Errorf("the answer: %s", page)
	}
	if w.lets(second) || !w.lets(w.cookie()) {
		t.Error("the session from before the new password goes on, or the one that set it does not")
	}
}
