package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/words"
)

// english are words that no sentence in German has, and most sentences in English have.
var english = regexp.MustCompile(`(?i)\b(the|is|are|of|and|it|its|with|not|to|by|for|this|that|you|your|from|has|have|no|be)\b`)

// shown are the texts of a page that people read: no code, and nothing that says it is in another language.
func shown(t *testing.T, page string) (texts []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var visit func(n *html.Node)
	visit = func(n *html.Node) {
		if n.Type == html.TextNode {
			if text := strings.Join(strings.Fields(n.Data), " "); text != "" {
				texts = append(texts, text)
			}
		}
		if n.Type == html.ElementNode {
			switch n.Data {
			case "code", "pre", "script", "style", "option", "title":
				return
			}
			for _, a := range n.Attr {
				switch a.Key {
				case "lang":
					if n.Data != "html" && a.Val != "de" {
						return
					}
				case "aria-label", "title", "placeholder", "data-now", "data-copied", "data-press", "data-in-zone", "data-languages":
					if a.Val != "" && !strings.HasPrefix(a.Val, "https:") {
						texts = append(texts, a.Val)
					}
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			visit(c)
		}
	}
	visit(doc)
	return texts
}

// in asks for a page that is to be in a language, which the browser prefers unless something else is given, whatever its status.
func (w *world) in(language, path string, accept ...string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", strings.Join(append(accept, language)[:1], ""))
	res, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := res.Header.Get("Content-Language"); got != language {
		w.t.Errorf("%s is in %q", path, got)
	}
	res.StatusCode = http.StatusOK
	return w.read(res, nil)
}

// Every page in German holds no English, and what the browser prefers, an account's setting and a choice decide on the language.
func TestPagesAreInGerman(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.create()
	one := "/console/webhooks/" + id
	for _, path := range []string{
		"/console/", "/console/?span=day", "/console/webhooks", "/console/webhooks?text=nothing+like+it", "/console/webhooks/new", "/console/notices", "/console/account",
		one, one + "?why=1", one + "?why=x.y", one + "?outcome=failed", one + "/delete", one + "/activate", "/console/nowhere", one + "?outcome=bogus", "/console/webhooks/999",
		"/console/demo/CreateWebHook", "/console/demo/GetWebHooks", "/console/demo/ActivateWebHook", "/console/demo/DeleteWebHookById", "/reactivate/wrong",
	} {
		for _, text := range shown(t, w.in("de", path)) {
			if found := english.FindString(text); found != "" {
				t.Errorf("%s says %q", path, text)
			}
		}
		page := w.in("en", path)
		if !strings.Contains(page, `<html lang="en">`) || !english.MatchString(strings.Join(shown(t, page), " ")) {
			t.Errorf("%s is not in English where the browser prefers that", path)
		}
	}
}

// What was chosen in the browser goes before the account's language, and this before what the browser prefers.
func TestLanguageIsChosen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	is := func(want, accept string) {
		t.Helper()
		if page := w.in(want, "/console/", accept); !strings.Contains(page, `<html lang="`+want+`">`) {
			t.Errorf("the page is not in %s", want)
		}
	}
	is("de", "de-CH, en;q=0.5")
	is("en", "fr")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, w.base+"/v1/accounts/demo", strings.NewReader(`{"language": "de"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("demo", password)
	w.read(http.DefaultClient.Do(r))
	is("de", "en")
	for _, next := range []string{"https://example.org/", "//example.org/", "/reactivate/../../x\\", "/console/account"} {
		res, err := w.client.PostForm(w.base+"/console/language", url.Values{"language": {"en"}, "next": {next}})
		if err != nil {
			t.Fatal(err)
		}
		if at := res.Request.URL; "http://"+at.Host != w.base || !strings.HasPrefix(at.Path, "/console/") {
			t.Errorf("the choice leads from %q to %s", next, at)
		}
		w.read(res, nil)
	}
	is("en", "de")
}

// What the forms answer is in the language of the page.
func TestAnswersAreInGerman(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := "/console/webhooks/" + w.create()
	w.post("/console/account", "/console/language", url.Values{"language": {"de"}, "next": {"/console/"}})
	for _, f := range []struct {
		page, path string
		form       url.Values
	}{
		{"/console/webhooks/new", "/console/webhooks", url.Values{"app": {"a"}, "event": {"optin_finalized"}, "url": {"ftp://x"}}},
		{"/console/webhooks/new", "/console/webhooks", url.Values{"app": {"a"}, "event": {"nothing"}, "url": {"https://example.org"}}},
		{"/console/webhooks/new", "/console/webhooks", url.Values{"app": {"tourism"}, "event": {"optin_finalized"}, "url": {"http://127.0.0.1:9/"}}},
		{"/console/webhooks/new", "/console/webhooks", url.Values{"app": {""}, "event": {"optin_finalized"}, "url": {"http://169.254.169.254/"}}},
		{one, one + "/test", url.Values{}},
		{one, one + "/probe", url.Values{}},
		{one, one + "/change", url.Values{"app": {"b"}, "url": {"http://127.0.0.1:9/"}, "inflight": {"many"}}},
		{one, one + "/change", url.Values{"app": {"b"}, "url": {"http://127.0.0.1:9/"}, "inflight": {"5000"}}},
		{one, one + "/change", url.Values{"app": {"b"}, "url": {"http://127.0.0.1:9/"}, "timeout": {"900"}}},
		{one, one + "/change", url.Values{"app": {"b"}, "url": {"http://127.0.0.1:9/"}, "tag": {"other"}}},
		{one, one + "/redeliver", url.Values{"event": {"77"}}},
		{one, one + "/replay", url.Values{"from": {"x"}, "to": {"y"}}},
		{one, one + "/secret", url.Values{}},
		{one, one + "/secret", url.Values{}},
		{one, one + "/pause", url.Values{}},
		{one, one + "/pause", url.Values{}},
		{one, one + "/activate", url.Values{"replay": {"1"}}},
		{"/console/account", "/console/account/keys", url.Values{"label": {""}, "right": {"all"}}},
		{"/console/account", "/console/account/keys", url.Values{"label": {"x"}, "right": {"most"}}},
		{"/console/account", "/console/account/keys", url.Values{"label": {"x"}, "right": {"all"}, "days": {"0"}}},
		{"/console/account", "/console/account/password", url.Values{"current": {"wrong"}, "password": {"a"}, "again": {"a"}}},
		{"/console/account", "/console/account/password", url.Values{"current": {password}, "password": {"short"}, "again": {"short"}}},
		{"/console/account", "/console/account/contact", url.Values{"email": {"nobody"}}},
		{"/console/account", "/console/account/contact", url.Values{"zone": {"Alps/Chur"}}},
		{"/console/account", "/console/account/contact", url.Values{"email": {"anna@example.org"}, "language": {"de"}, "zone": {"Europe/Zurich"}}},
		{one, one + "/delete", url.Values{}},
	} {
		page := w.post(f.page, f.path, f.form)
		if !strings.Contains(page, `class="message`) {
			t.Errorf("%s says nothing of %v", f.path, f.form)
		}
		for _, text := range shown(t, page) {
			if found := english.FindString(text); found != "" {
				t.Errorf("%s says %q", f.path, text)
			}
		}
	}
}

// The API's texts that pages show are in the catalogue.
func TestCatalogueHasTheAPI(t *testing.T) {
	t.Parallel()
	tell := func(where, text string) {
		if text != "" && !words.Tells(text) {
			t.Errorf("%s: the catalogue does not have %q", where, text)
		}
	}
	for _, f := range api.Functions() {
		if !f.InWebService() {
			continue
		}
		tell(f.Name, f.Doc)
		tell(f.Name, f.Effect)
		for _, p := range f.WebParameters() {
			tell(f.Name, p.Label)
			tell(f.Name, p.Doc)
		}
	}
	for _, f := range []*api.Function{
		nil, api.CreateWebHook, api.GetWebHooks, api.GetWebHook, api.UpdateWebHook, api.PauseWebHook, api.ActivateWebHook, api.DeleteWebHookByID, api.RotateSecret, api.TestWebHook,
		api.ProbeWebHook, api.GetAttempts, api.GetAttempt, api.RedeliverEvent, api.ReplayEvents, api.ExplainEvent, api.SetPassword, api.SetAccount, api.CreateKey, api.RevokeKey,
	} {
		for _, code := range f.Codes() {
			tell("a code", code.Text)
		}
	}
}
