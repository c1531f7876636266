package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/saumer/saumer/api"
)

// delivering opens the page of a new webhook to which n events were delivered.
func (w *world) delivering(n int) (id uint64, path string) {
	w.t.Helper()
	id = w.create("tourism")
	w.publish(n)
	w.received(n)
	w.login()
	path = fmt.Sprintf("/console/webhooks/%d", id)
	w.open(path)
	return id, path
}

// received waits until the receiver has taken n events in all.
func (w *world) received(n int) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); w.got.Load() != int64(n); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d events came, want %d", w.got.Load(), n)
		}
	}
}

// unfold opens a box of the page.
func (w *world) unfold(words string) {
	w.t.Helper()
	w.do("open the box "+words, chromedp.Click(fmt.Sprintf(`//summary[.=%q]`, words)))
}

// logged opens the page until its log has n attempts or more, and returns them, newest first.
func (w *world) logged(path string, n int) []string {
	w.t.Helper()
	var rows []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		w.open(path)
		if rows = eval[[]string](w, `[...document.querySelectorAll("#attempts tbody tr")].map((row) => row.innerText)`); len(rows) >= n {
			return rows
		}
	}
	w.t.Fatalf("%s has %d attempts, want %d: %q", path, len(rows), n, rows)
	return nil
}

func TestSecretIsRotated(t *testing.T) {
	w := setup(t)
	_, path := w.delivering(0)
	var secrets [2]string
	for i := range secrets {
		w.unfold("Rotate the secret")
		if i > 0 {
			// While the secret before still signs, another rotation has to be meant.
			w.press("Rotate the secret")
			w.sees("[role=alert]", "Nothing was changed")
			w.unfold("Rotate the secret")
			w.do("end the secret before", chromedp.Click(chromedp.CSS("input[name=end]")))
		}
		w.press("Rotate the secret")
		w.sees("[role=status]", "The webhook has a new secret.")
		secrets[i] = w.text("#secret")
	}
	if !strings.HasPrefix(secrets[0], "whsec_") || secrets[0] == secrets[1] {
		t.Errorf("the secrets are %q", secrets)
	}
	w.open(path)
	if text := w.text("body"); strings.Contains(text, secrets[1]) {
		t.Error("the secret is shown more than once")
	}
}

func TestTestEventIsSent(t *testing.T) {
	w := setup(t)
	w.delivering(0)
	w.press("Send a test event")
	w.sees("[role=status]", "The URL took the test event with 200")
	w.received(1)
	w.status.Store(http.StatusTeapot)
	w.press("Send a test event")
	w.sees("[role=status]", "The URL did not take the test event")
}

func TestEventIsSentAgain(t *testing.T) {
	w := setup(t)
	_, path := w.delivering(1)
	w.logged(path, 1)
	w.click("#attempts td button")
	w.sees("[role=status]", "The event is being sent again.")
	w.received(2)
	rows := w.logged(path, 2)
	if !strings.Contains(rows[0], "replay") || strings.Contains(rows[1], "replay") {
		t.Errorf("the attempts are, newest first, %q", rows)
	}
	w.unfold("Send one event again")
	w.fill("#event", "nothing")
	w.press("Send again")
	w.sees("[role=alert]", "event")
}

func TestPeriodIsReplayed(t *testing.T) {
	w := setup(t)
	w.delivering(3)
	// A form takes times of the future too; what they hold is what there is.
	period := func(from, to time.Duration) {
		w.unfold("Replay a period")
		for field, at := range map[string]time.Duration{"from": from, "to": to} {
			w.do("fill in "+field, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`void (document.getElementById(%q).value = %q)`,
				field, time.Now().Add(at).Format("2006-01-02T15:04:05"))))
		}
		w.press("Replay")
	}
	period(-time.Hour, time.Minute)
	w.sees("[role=status]", "3 events of that time are being sent again.")
	w.received(6)
	period(-3*time.Hour, -2*time.Hour)
	w.sees("[role=status]", "There are no events of that time.")
}

func TestWhyIsAnswered(t *testing.T) {
	w := setup(t)
	id, path := w.delivering(1)
	w.unfold("Why did this webhook not get event X?")
	w.fill("#why", "1")
	w.press("Explain")
	answer, err := w.app.Service().Why(t.Context(), w.me(), id, api.Reference{Sequence: 1})
	if err != nil {
		t.Fatal(err)
	}
	// The page has the times in the visitor's zone.
	began, rest, _ := strings.Cut(answer.Text, " at ")
	_, rest, _ = strings.Cut(rest, " UTC")
	w.sees("#answer", began)
	w.sees("#answer", rest)
	w.sees("#answer", "delivered")
	w.open(path + "?why=999999")
	w.sees("#answer", "unknown")
}

func TestAttemptsAreFiltered(t *testing.T) {
	w := setup(t)
	_, path := w.delivering(2)
	w.status.Store(http.StatusBadRequest)
	w.publish(1)
	// What is rejected is attempted again and again; what was delivered stays two.
	if rows := w.logged(path+"?outcome=failed", 1); strings.Contains(strings.Join(rows, " "), "delivered") {
		t.Errorf("failed are %q", rows)
	}
	w.do("choose delivered", chromedp.Evaluate[chromedp.Void](`void (document.querySelector("select[name=outcome]").value = "delivered")`))
	w.press("Filter")
	if rows := eval[[]string](w, `[...document.querySelectorAll("#attempts tbody tr")].map((row) => row.innerText)`); len(rows) != 2 || strings.Contains(strings.Join(rows, " "), "rejected") {
		t.Errorf("delivered are %q", rows)
	}
	w.open(path + "?outcome=aborted")
	w.sees("#attempts", "No attempt in the log has this outcome.")
}

// The log has pages, and a page of a filter stays filtered.
func TestAttemptsHavePages(t *testing.T) {
	w := setup(t)
	_, path := w.delivering(45)
	w.logged(path, 20)
	seen := map[string]bool{}
	for range 3 {
		for _, row := range eval[[]string](w, `[...document.querySelectorAll("#attempts tbody tr td:nth-child(2)")].map((cell) => cell.innerText)`) {
			seen[row] = true
		}
		if older := eval[bool](w, `[...document.querySelectorAll(".pages a")].some((a) => a.innerText === "Older")`); older {
			w.click(".pages a:last-child")
		}
	}
	if len(seen) != 45 {
		t.Errorf("the pages have %d events, want 45", len(seen))
	}
}

func TestWebhookIsChangedAndPaused(t *testing.T) {
	w := setup(t)
	id, path := w.delivering(1)
	w.unfold("Change the webhook")
	w.fill("#change-url", "ftp://example.org")
	w.press("Save")
	w.sees("[role=alert]", "Invalid url")
	w.unfold("Change the webhook")
	w.fill("#change-app", "railway")
	w.fill("#change-url", w.receiver.URL+well)
	w.fill("#change-timeout", "2.5")
	w.press("Save")
	w.sees("[role=status]", "The webhook is changed.")
	if found := w.webhook(id); found.App != "railway" || found.URL != w.receiver.URL+well || found.Settings.Timeout != 2500*time.Millisecond {
		t.Errorf("the webhook is %+v", found)
	}
	w.press("Pause")
	w.sees("[role=status]", "The webhook is paused.")
	w.sees("[data-state]", "Paused")
	w.publish(2)
	w.until(id, "paused with what came", func(found api.Webhook) bool { return !found.Active && found.Status.Buffered == 2 })
	w.open(path)
	w.press("Activate")
	w.sees("[role=status]", "The webhook is active")
	w.received(3)
}
