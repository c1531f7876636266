package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

func TestLogin(t *testing.T) {
	w := setup(t)
	id := w.create("tourism")
	// A page that needs a login leads there, and after it to the page.
	w.open(fmt.Sprintf("/console/webhooks/%d", id))
	w.sees("h1", "Log in")
	w.fill("input[name=account]", account)
	w.fill("input[name=password]", "wrong")
	w.press("Log in")
	w.sees("[role=alert]", "Account or password is wrong.")
	w.fill("input[name=password]", password)
	w.press("Log in")
	w.sees("h1", "tourism")
	w.press("Log out")
	w.sees("h1", "Log in")
	w.open("/console/webhooks")
	w.sees("h1", "Log in")

	// A new password ends every session.
	w.fill("input[name=account]", account)
	w.fill("input[name=password]", password)
	w.press("Log in")
	w.sees("h1", "Webhooks")
	if err := registry.NewAccounts(w.app.Broker()).SetPassword(t.Context(), account, "another word"); err != nil {
		t.Fatal(err)
	}
	w.open("/console/webhooks")
	w.sees("h1", "Log in")

	// Who tries too many passwords waits.
	for i := range 100 {
		res, err := http.PostForm(w.base+"/console/login", url.Values{"account": {account}, "password": {fmt.Sprintf("wrong %d", i)}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // the status is all
		if res.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("a password may be guessed as fast as one can")
}

// answer reads what the demo page shows.
func (w *world) answer() (code int, result json.RawMessage) {
	w.t.Helper()
	var e struct {
		Error  int
		Result json.RawMessage
	}
	text := w.text("#answer-text")
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		w.t.Fatalf("the answer is %s: %v", text, err)
	}
	return e.Error, e.Result
}

func TestDemoRunsEachFunction(t *testing.T) {
	w := setup(t)
	w.login()
	w.click(`nav a[href="/console/demo"]`)
	w.sees("h1", "Web Service Demo")

	w.open("/console/demo/CreateWebHook")
	w.fill("#app", "tourism")
	w.fill("#url", w.receiver.URL+"/hook")
	w.press("Run CreateWebHook")
	code, result := w.answer()
	var made struct {
		ID     uint64
		Secret string
	}
	if err := json.Unmarshal(result, &made); code != 0 || err != nil || made.Secret == "" {
		t.Fatalf("CreateWebHook answers %d %s, %v", code, result, err)
	}
	if found := w.webhook(made.ID); found.App != "tourism" || found.Event != optin {
		t.Errorf("the webhook is %+v", found)
	}

	w.fill("#app", " ")
	w.press("Run CreateWebHook")
	if code, _ := w.answer(); code != 2 {
		t.Errorf("CreateWebHook without an app answers %d, want 2", code)
	}
	w.sees("tr.seen", "missing or invalid app")

	w.open("/console/demo/GetWebHooks")
	w.press("Run GetWebHooks")
	var all []struct{ ID uint64 }
	if code, result := w.answer(); code != 0 || json.Unmarshal(result, &all) != nil || len(all) != 1 {
		t.Errorf("GetWebHooks answers %d %s", code, result)
	}

	w.status.Store(http.StatusServiceUnavailable)
	w.publish(3)
	w.until(made.ID, "inactive", func(found api.Webhook) bool { return !found.Active })
	w.status.Store(http.StatusOK)
	w.open("/console/demo/ActivateWebHook")
	w.fill("#id", strconv.FormatUint(made.ID, 10))
	w.do("check the replay", chromedp.Click(chromedp.CSS("input[name=replayEvents]")))
	w.press("Run ActivateWebHook")
	var activated struct{ Replay int }
	if code, result := w.answer(); code != 0 || json.Unmarshal(result, &activated) != nil || activated.Replay != 3 {
		t.Errorf("ActivateWebHook answers %d %s", code, result)
	}

	w.open("/console/demo/DeleteWebHookById")
	w.fill("#id", strconv.FormatUint(made.ID, 10))
	w.press("Run DeleteWebHookById")
	if code, result := w.answer(); code != 0 {
		t.Errorf("DeleteWebHookById answers %d %s", code, result)
	}
	w.press("Run DeleteWebHookById")
	if code, _ := w.answer(); code != 3 {
		t.Errorf("DeleteWebHookById answers %d the second time, want 3", code)
	}
}

func TestSampleCodeFollowsAndIsCopied(t *testing.T) {
	w := setup(t)
	w.login()
	if _, err := chromedp.CallBrowser(w.page, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-read"}, Setting: browser.PermissionSettingGranted,
		Origin: w.base, BrowserContextID: chromedp.FromContext(w.page).BrowserContextID,
	}); err != nil {
		t.Fatal(err)
	}
	w.open("/console/demo/CreateWebHook")
	w.fill("#app", "it's")
	w.sees("#code-curl", `'app=it'\''s'`)
	// The tabs are worked only by keyboard.
	w.do("choose Python", chromedp.Focus(chromedp.CSS("#sample-curl-tab")), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	w.sees("#code-python", `"app": "it's"`)
	w.do("copy", chromedp.Click(chromedp.CSS("#sample-python .copy")))
	w.sees("#sample-python .copy", "Copied")
	copied := eval[string](w, `navigator.clipboard.readText()`)
	shown := eval[string](w, `document.getElementById("code-python").textContent`)
	if copied != shown || !strings.HasPrefix(copied, "import os\n") {
		t.Errorf("copied is\n%s\nwant\n%s", copied, shown)
	}
}

func TestWebhooksAreMadeFilteredAndDeleted(t *testing.T) {
	w := setup(t)
	w.login()
	w.open("/console/webhooks")
	w.sees("main", "No webhook yet")
	w.click(`main a[href="/console/webhooks/new"]`)
	w.fill("#app", "tourism")
	w.fill("#url", "ftp://example.org")
	w.press("Create")
	w.sees("[role=alert]", "Invalid url")
	w.fill("#url", w.receiver.URL+"/hook")
	w.press("Create")
	if secret := w.text("#secret"); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the secret is %q", secret)
	}
	w.create("railway")
	w.open("/console/webhooks?app=railway")
	w.sees("tbody", "railway")
	if text := w.text("tbody"); strings.Contains(text, "tourism") {
		t.Errorf("the filter lets through: %s", text)
	}
	w.open("/console/webhooks?state=inactive")
	w.sees("main", "No webhook matches")
	w.open("/console/webhooks/1")
	w.do("open the box", chromedp.Click(`//summary[.="Delete the webhook"]`))
	w.click(`main a[href="/console/webhooks/1/delete"]`)
	w.sees("#lost", "No event waits for it.")
	w.press("Delete webhook 1")
	w.sees("[role=status]", "Webhook 1 is deleted")
	if all, err := w.app.Service().List(t.Context(), w.me(), api.ListFilter{}); err != nil || len(all.Webhooks) != 1 {
		t.Errorf("there are %d webhooks, %v", len(all.Webhooks), err)
	}
}

// What others wrote is text on a page, and never more.
func TestForeignTextIsText(t *testing.T) {
	w := setup(t)
	const script = `<script>document.title="taken"</script><img src=x onerror="document.title='taken'">`
	w.response.Store(script)
	w.status.Store(http.StatusBadRequest)
	id := w.create(script)
	w.publish(1)
	w.login()
	for _, path := range []string{
		"/console/", "/console/webhooks", "/console/webhooks?app=" + url.QueryEscape(script), fmt.Sprintf("/console/webhooks/%d", id),
		"/console/demo/CreateWebHook?app=" + url.QueryEscape(script), "/console/notices",
	} {
		w.open(path)
		title := eval[string](w, `document.title`)
		foreign := eval[int](w, `document.querySelectorAll("main script, main img").length`)
		if strings.Contains(title, "taken") || foreign != 0 {
			t.Errorf("%s: the title is %q, and %d elements are foreign", path, title, foreign)
		}
	}
	// The response of the endpoint is shown as it came.
	for deadline := time.Now().Add(patience); ; {
		text := ""
		if entries, _, err := w.app.Service().Attempts(t.Context(), w.me(), id, delivery.LogFilter{Limit: 1}); err == nil && len(entries) > 0 {
			w.open(fmt.Sprintf("/console/webhooks/%d/attempts/%d", id, entries[0].Position))
			text = eval[string](w, `document.querySelector("pre.response")?.textContent ?? ""`)
		}
		if text == script {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the response is shown as %q", text)
		}
	}
}

// A form of another page, or without its token, changes nothing.
func TestForgedFormsAreRefused(t *testing.T) {
	w := setup(t)
	id := w.create("tourism")
	w.login()
	status := eval[int](w, fmt.Sprintf(`fetch("/console/webhooks/%d/delete", {method: "POST", body: new URLSearchParams({form: "wrong"})}).then((r) => r.status)`, id))
	if status != http.StatusForbidden {
		t.Errorf("a form with a wrong token is answered %d", status)
	}
	forged, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/console/login", strings.NewReader(url.Values{"account": {account}, "password": {password}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	forged.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	forged.Header.Set("Origin", "https://evil.example")
	res, err := http.DefaultClient.Do(forged)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // the status is all
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another origin is answered %d", res.StatusCode)
	}
	w.webhook(id)
}
