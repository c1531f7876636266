package virtual

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/notify"
)

// TestMailsAreGathered has the host of many webhooks go: one mail tells of all that fails at the same time, and a second one of
// what fails within the period, whatever is posted of each. A restart in between sends none twice.
func TestMailsAreGathered(t *testing.T) {
	const many = 12
	var to channels
	inWorld(t, to.open, func(w *world) {
		for range many {
			w.create()
		}
		w.receiver.goes(true)
		w.publish(0, 1)
		w.pass(20 * time.Minute)
		mailed := func(want ...string) {
			t.Helper()
			got := to.mails.subjects()
			if len(got) != len(want) {
				t.Errorf("mailed were %q, want %q", got, want)
				return
			}
			for i := range want {
				if !strings.Contains(got[i], want[i]) {
					t.Errorf("mail %d is %q, want %q", i, got[i], want[i])
				}
			}
		}
		failing := "receiver.example does not take events: 12 webhooks"
		mailed(failing)
		late := w.create()
		w.publish(1, 2)
		w.restart()
		w.pass(time.Hour)
		mailed(failing, "receiver.example has not taken events")
		if n := len(to.operator.seen()); n != many+1 {
			t.Errorf("%d notices were posted", n)
		}
		told, err := w.app.Service().Notices(w.t.Context(), w.account, late, 0, 10)
		if err != nil || len(told) != 1 || !slices.ContainsFunc(told[0].Receipts, func(r notify.Receipt) bool {
			return r.Channel == "mail" && r.Result == notify.Arrived && r.Attempts == 1
		}) {
			t.Errorf("of the late one is told %+v, %v", told, err)
		}
		w.receiver.goes(false)
		w.pass(time.Hour)
		// They recover by their own clocks, within two backoffs: in two mails at the most.
		again := to.mails.subjects()[2:]
		if len(again) < 1 || len(again) > 2 || slices.ContainsFunc(again, func(subject string) bool { return !strings.Contains(subject, "takes events again") }) {
			t.Errorf("mailed were %q of what recovered", again)
		}
		to.close()
	})
}
