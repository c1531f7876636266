package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/saumer/saumer/api"
)

// Forty webhooks in trouble at one host are one trouble, which one click ends.
func TestTroubleIsByCause(t *testing.T) {
	w := setup(t)
	const many = 40
	w.status.Store(http.StatusServiceUnavailable)
	for i := range many {
		w.create(fmt.Sprintf("app %d", i%12))
	}
	w.createAt("well", well)
	w.publish(2)
	for id := uint64(1); id <= many; id++ {
		w.until(id, "inactive", func(found api.Webhook) bool { return !found.Active && found.Status.Buffered == 2 })
	}
	w.login()
	w.sees(".lead", "40 of 41 webhooks need attention.")
	host := strings.TrimPrefix(w.receiver.URL, "http://")
	w.sees(".trouble", host+": 40 webhooks of 12 apps")
	w.sees(".trouble", "80 events wait")
	for _, s := range screens {
		w.look("trouble-overview", s.name, "/console/", s.width, s.scheme)
	}
	w.look("trouble-overview", screens[0].name, "/console/", screens[0].width, screens[0].scheme)
	if high := eval[int](w, `document.documentElement.scrollHeight`); high > 2000 {
		t.Errorf("the page with %d webhooks in trouble is %d px high", many, high)
	}
	w.click(".trouble a.button")
	w.sees("main form", "The replay sends 80 events to this host")
	w.status.Store(http.StatusOK)
	w.press("Activate all 40 and replay")
	w.sees("[role=status]", "40 webhooks of "+host+" are active. 80 events are being sent.")
	w.received(2 + 80)
	all, err := w.app.Service().List(t.Context(), w.me(), api.ListFilter{State: "inactive"})
	if err != nil || len(all.Webhooks) != 0 {
		t.Errorf("%d webhooks are inactive, %v", len(all.Webhooks), err)
	}
}

// A list of many webhooks has pages, and finds one by a part of its URL.
func TestListHasPages(t *testing.T) {
	w := setup(t)
	for i := range 120 {
		w.createAt("tourism", fmt.Sprintf("/hook/%d", i))
	}
	w.login()
	w.open("/console/webhooks")
	w.sees(".lead", "120 webhooks in this account. 50 of them on this page.")
	seen := map[string]bool{}
	for page := 1; ; page++ {
		for _, id := range eval[[]string](w, `[...document.querySelectorAll("tbody tr td:first-child")].map((cell) => cell.innerText)`) {
			seen[id] = true
		}
		if next := eval[bool](w, `[...document.querySelectorAll(".pages a")].some((a) => a.innerText === "Next page")`); !next {
			break
		}
		w.click(".pages a:last-child")
		if page > 3 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 120 {
		t.Errorf("the pages have %d webhooks, want 120", len(seen))
	}
	w.open("/console/webhooks")
	w.fill("input[name=text]", "HOOK/77")
	w.press("Filter")
	w.sees(".lead", "1 webhook found.")
	w.sees("tbody", "/hook/77")
}
