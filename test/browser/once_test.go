package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
)

// again loads the page again, as F5 does.
func (w *world) again() {
	w.t.Helper()
	w.do("load the page again", chromedp.Reload())
}

func (w *world) secrets() int {
	w.t.Helper()
	return eval[int](w, `document.querySelectorAll("#secret").length`)
}

// A page that is loaded again repeats nothing, and does not show a secret twice.
func TestLoadingAgainRepeatsNothing(t *testing.T) {
	w := setup(t)
	w.login()
	w.open("/console/webhooks/new")
	w.fill("#app", "tourism")
	w.fill("#url", w.receiver.URL+"/hook")
	w.press("Create")
	w.sees("[role=status]", "The webhook is made.")
	if got := w.secrets(); got != 1 {
		t.Errorf("the page has %d secrets, want 1", got)
	}
	w.again()
	if got := w.secrets(); got != 0 {
		t.Error("the secret is shown once more")
	}
	if all, err := w.app.Service().List(t.Context(), w.me(), api.ListFilter{}); err != nil || len(all.Webhooks) != 1 {
		t.Fatalf("there are %d webhooks, %v, want 1", len(all.Webhooks), err)
	}

	w.unfold("Rotate the secret")
	w.press("Rotate the secret")
	w.sees("[role=status]", "The webhook has a new secret.")
	rotated := w.webhook(1).Rotated
	w.again()
	if again := w.webhook(1).Rotated; !again.Equal(rotated) {
		t.Error("the secret was rotated once more")
	}

	w.press("Send a test event")
	w.sees("[role=status]", "The URL took the test event")
	w.again()
	w.received(1)

	w.open("/console/webhooks/1/delete")
	w.press("Delete webhook 1")
	w.sees("[role=status]", "Webhook 1 is deleted")
	w.again()
	if text := w.text("main"); strings.Contains(text, "is deleted") {
		t.Errorf("the page says once more what was done: %s", text)
	}
}

// A form that is sent twice, by a double click or by going back, makes one webhook; a second one has to be asked for.
func TestTwinsAreAskedFor(t *testing.T) {
	w := setup(t)
	w.login()
	for i := range 2 {
		w.open("/console/webhooks/new")
		w.fill("#app", "tourism")
		w.fill("#url", w.receiver.URL+"/hook")
		w.press("Create")
		if i == 0 {
			w.sees("[role=status]", "The webhook is made.")
		}
	}
	w.sees("[role=alert]", "Webhook 1 sends these events to this URL already.")
	if all, err := w.app.Service().List(t.Context(), w.me(), api.ListFilter{}); err != nil || len(all.Webhooks) != 1 {
		t.Fatalf("there are %d webhooks, %v, want 1", len(all.Webhooks), err)
	}
	w.do("ask for a second one", chromedp.Click(chromedp.CSS("input[name=twins]")))
	w.press("Create")
	w.sees("[role=status]", "The webhook is made.")
}

// Events that wait are dropped only by a button that says how many.
func TestDroppingIsAskedFor(t *testing.T) {
	w := setup(t)
	found := w.deactivated("tourism", 7)
	w.login()
	path := fmt.Sprintf("/console/webhooks/%d", found.ID)
	w.open(path + "/delete")
	w.sees("#lost", "7 events are kept for its replay and will not be sent.")
	w.click(`main a[href="` + path + `"]`)
	w.do("uncheck the replay", chromedp.Click(chromedp.CSS("input[name=replay]")))
	w.press("Activate")
	w.sees("#lost", "7 events are kept for a replay.")
	if w.webhook(found.ID).Active {
		t.Fatal("the webhook was activated without a question")
	}
	w.status.Store(http.StatusOK)
	w.press("Activate and drop 7")
	w.sees("[role=status]", "The events that were kept are dropped")
	if !w.webhook(found.ID).Active {
		t.Error("the webhook is not active")
	}
}

// A form that comes after its session has ended is kept over the login.
func TestAnEndedSessionLosesNoInput(t *testing.T) {
	w := setup(t)
	w.login()
	w.open("/console/webhooks/new")
	w.fill("#app", "tourism & more")
	w.fill("#url", w.receiver.URL+"/hook")
	w.do("end the session", run(network.ClearBrowserCookies, cdp.Empty{}))
	w.press("Create")
	w.sees("[role=alert]", "Your session has ended. Nothing was changed.")
	w.fill("input[name=account]", account)
	w.fill("input[name=password]", password)
	w.press("Log in")
	w.sees("main", "tourism & more")
	if all, err := w.app.Service().List(t.Context(), w.me(), api.ListFilter{}); err != nil || len(all.Webhooks) != 0 {
		t.Fatalf("there are %d webhooks, %v, before the form was sent after all", len(all.Webhooks), err)
	}
	w.press("Send it")
	w.sees("[role=status]", "The webhook is made.")
	if got := w.webhook(1).App; got != "tourism & more" {
		t.Errorf("the app is %q", got)
	}
}

// The page of a webhook follows what happens to it, and says when it hears nothing any more.
func TestLiveMeansLive(t *testing.T) {
	w := setup(t)
	id, path := w.delivering(1)
	w.logged(path, 1)
	w.press("Send a test event")
	w.sees("[role=status]", "The URL took the test event")

	w.status.Store(http.StatusServiceUnavailable)
	w.publish(3)
	w.until(id, "inactive", func(found api.Webhook) bool { return !found.Active })
	w.sees("[data-part=state]", "Inactive")
	w.sees("[data-part=state]", "503")
	w.sees("[data-part=do] form", "Replay the 3 events that were kept")
	w.sees("#attempts tbody", "503")
	w.sees("[data-part=attempts]", "unavailable")
	if said := eval[string](w, `document.querySelector("[data-part=said]").innerText`); strings.Contains(said, "took the test event") {
		t.Errorf("above an inactive webhook the page says: %s", said)
	}

	w.stop()
	w.sees("[data-lost]:not([hidden])", "There is no contact with Saumer. This is how it stood at:")
}

// What is asked for wrongly is no fault of the server's, and a test is no delivery.
func TestAttemptsSayWhatTheyAre(t *testing.T) {
	w := setup(t)
	id, path := w.delivering(0)
	w.press("Send a test event")
	rows := w.logged(path, 1)
	if !strings.Contains(rows[0], "test") {
		t.Errorf("the attempt is shown as %q, and not as a test", rows[0])
	}
	entries, _, err := w.app.Service().Attempts(t.Context(), w.me(), id, delivery.LogFilter{})
	if err != nil || len(entries) != 1 || !entries[0].Test {
		t.Errorf("the log has %+v, %v, want one test", entries, err)
	}
	for _, query := range []string{"?outcome=bogus", "?before=x"} {
		status := eval[int](w, fmt.Sprintf(`fetch(%q).then((r) => r.status)`, path+query))
		if status != http.StatusNotFound {
			t.Errorf("%s is answered %d, want 404", query, status)
		}
	}
}
