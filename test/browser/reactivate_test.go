package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/notify"
)

// link is that of a deactivated webhook's notice.
func (w *world) link(found api.Webhook) string {
	w.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		notices, err := w.app.Service().Notices(w.t.Context(), w.me(), found.ID, 0, 10)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, n := range notices {
			if n.Kind == notify.Deactivated && n.Link != "" {
				return strings.TrimPrefix(n.Link, w.base)
			}
		}
	}
	w.t.Fatal("no notice has a link")
	return ""
}

func (w *world) speak(language string) {
	w.t.Helper()
	w.do("speak "+language, run(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}}))
}

// From the deactivation by the notice and its link to the replay, of which the progress is seen to move.
func TestTheOneClick(t *testing.T) {
	w := setup(t)
	const kept = 300
	found := w.deactivated("tourism", kept)
	w.login()
	w.open("/console/notices")
	w.sees("tbody", "deactivated")
	w.press("Log out") // the link needs no login

	path := w.link(found)
	w.open(path)
	w.sees("h1", "This webhook was deactivated")
	for _, words := range []string{"tourism", "503", fmt.Sprintf("(%d)", kept)} {
		w.sees("main", words)
	}
	w.press("Test the connection")
	w.sees("#probed", "A connection was made")
	w.sees("#probed", "Nothing was sent")
	if w.webhook(found.ID).Active {
		t.Fatal("the test of the URL activated the webhook")
	}

	w.status.Store(http.StatusOK)
	w.delay.Store(int64(20 * time.Millisecond))
	w.press("Activate the webhook")
	w.sees("h1", "The webhook is active")
	var seen []int
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		value := eval[int](w, `document.querySelector("progress").value`)
		if len(seen) == 0 || seen[len(seen)-1] != value {
			seen = append(seen, value)
		}
		if value == kept {
			break
		}
	}
	if len(seen) < 3 || seen[len(seen)-1] != kept {
		t.Errorf("the progress went %v, want several steps up to %d", seen, kept)
	}
	w.sees("main", fmt.Sprintf("All %d events are sent.", kept))
	if got := w.got.Load(); got != kept {
		t.Errorf("the receiver got %d events, want %d", got, kept)
	}

	// It works once.
	w.open(path)
	w.sees("h1", "The webhook has already been activated")
	w.deactivated("another", 1)
	w.status.Store(http.StatusServiceUnavailable)
	w.publish(3)
	w.until(found.ID, "inactive again", func(found api.Webhook) bool { return !found.Active })
	w.open(path)
	w.sees("h1", "This webhook was deactivated again")
	if w.webhook(found.ID).Active {
		t.Error("a link of an older deactivation activated the webhook")
	}
}

func TestActivatedWithoutReplay(t *testing.T) {
	w := setup(t)
	found := w.deactivated("tourism", 5)
	w.speak("de-CH, en;q=0.5")
	w.open(w.link(found))
	w.sees("h1", "Dieser Webhook wurde deaktiviert")
	w.do("uncheck the replay", chromedp.Click(chromedp.CSS("input[name=replay]")))
	w.status.Store(http.StatusOK)
	w.press("Webhook aktivieren")
	w.sees("[role=alert]", "gehen 5 Ereignisse endgültig verloren")
	if w.webhook(found.ID).Active {
		t.Fatal("the webhook was activated before it was asked whether its events are dropped")
	}
	w.press("Aktivieren und verwerfen")
	w.sees("h1", "Der Webhook ist aktiv")
	w.publish(1)
	w.until(found.ID, "live", func(found api.Webhook) bool { return found.Active && found.Status.Lag == 0 })
	for deadline := time.Now().Add(patience); w.got.Load() == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
	}
	if got := w.got.Load(); got != 1 {
		t.Errorf("the receiver got %d events, want only the new one", got)
	}
}

// Scanners open links, and must not act.
func TestLookingChangesNothing(t *testing.T) {
	w := setup(t)
	found := w.deactivated("tourism", 2)
	path := w.link(found)
	before := w.webhook(found.ID)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		for _, p := range []string{path, path + "?do=activate&replay=1", path + "/live"} {
			req, err := http.NewRequestWithContext(t.Context(), method, w.base+p, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close() // what it does is what counts
		}
	}
	w.open(path)
	// A form that did not come from the page, and one of another origin.
	for _, forged := range []http.Header{{}, {"Origin": {"https://evil.example"}}, {"Sec-Fetch-Site": {"cross-site"}}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+path, strings.NewReader("do=activate&replay=1"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = forged
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // the status is all
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("a forged form is answered %d", res.StatusCode)
		}
	}
	if after := w.webhook(found.ID); after.Active || after.Revision != before.Revision || after.Status.Buffered != 2 {
		t.Errorf("the webhook is %+v, want it as before: %+v", after, before)
	}
}

func TestLinksThatDoNotWork(t *testing.T) {
	w := setup(t)
	found := w.deactivated("tourism", 2)
	path := w.link(found)
	links := notify.NewLinks(w.key, w.base)
	made := func(l notify.Link) string { return strings.TrimPrefix(links.URL(l), w.base) }
	good := notify.Link{Account: account, ID: found.ID, Deactivated: found.Deactivated, Expires: time.Now().Add(time.Hour)}
	expired, gone, other := good, good, good
	expired.Expires = time.Now().Add(-time.Minute)
	gone.ID = 4711
	other.Deactivated = good.Deactivated.Add(-time.Hour)
	for name, link := range map[string]struct{ path, english, german string }{
		"wrong":   {path[:len(path)-1] + map[bool]string{true: "B", false: "A"}[path[len(path)-1] == 'A'], "This link does not work", "Dieser Link funktioniert nicht"},
		"cut":     {path[:len(path)/2], "This link does not work", "Dieser Link funktioniert nicht"},
		"none":    {"/reactivate/", "This link does not work", "Dieser Link funktioniert nicht"},
		"expired": {made(expired), "This link has expired", "Dieser Link ist abgelaufen"},
		"gone":    {made(gone), "This webhook does not exist any more", "Diesen Webhook gibt es nicht mehr"},
		"used":    {made(other), "This webhook was deactivated again", "Dieser Webhook wurde erneut deaktiviert"},
	} {
		w.speak("en")
		w.open(link.path)
		if got := w.text("h1"); got != link.english {
			t.Errorf("%s: %q, want %q", name, got, link.english)
		}
		w.speak("de")
		w.open(link.path)
		if got := w.text("h1"); got != link.german {
			t.Errorf("%s: %q, want %q", name, got, link.german)
		}
		if buttons := eval[int](w, `document.querySelectorAll("main form").length`); buttons != 0 {
			t.Errorf("%s: there is a form", name)
		}
	}
	if w.webhook(found.ID).Active {
		t.Error("a link that does not work activated the webhook")
	}
}
