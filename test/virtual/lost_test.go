package virtual

import (
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
)

// The operator is told what NATS lost: how many events, and from when, over each channel and once.
func TestTheOperatorIsToldWhatNATSLost(t *testing.T) {
	var to channels
	inWorld(t, to.open, func(w *world) {
		w.create()
		w.publish(0, 10)
		w.pass(time.Minute)
		if err := w.app.Broker().JetStream.DeleteStream(w.t.Context(), "EVENTS"); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		w.publish(10, 12)
		w.pass(time.Hour)
		w.restart()
		w.pass(time.Hour)
		if got := len(w.receiver.seen()); got != 12 {
			t.Errorf("%d events were delivered", got)
		}
		listed, err := w.app.Service().Notices(w.t.Context(), w.account, 0, 0, 10)
		if err != nil || len(listed) != 1 {
			t.Fatalf("the operator's account is shown %+v, %v", listed, err)
		}
		if n := listed[0]; n.Kind != notify.Lost || n.Account != notify.Operator || n.Events != 10 || n.Until.IsZero() || n.Webhook != 0 {
			t.Errorf("the notice is %+v", n)
		}
		others, err := w.app.Service().Notices(w.t.Context(), registry.Account{Name: account}, 0, 0, 10)
		if err != nil || len(others) != 0 {
			t.Errorf("who is no operator is shown %+v, %v", others, err)
		}
		if mails := to.mails.subjects(); len(mails) != 1 || !strings.HasPrefix(mails[0], "operations@example.net: NATS lost 10 events") {
			t.Errorf("mailed were %q", mails)
		}
		if posts := to.operator.bodies(); len(posts) != 1 || !strings.Contains(posts[0], `"kind":"lost"`) || !strings.Contains(posts[0], `"events":10`) {
			t.Errorf("posted were %q", posts)
		}
		to.close()
	})
}
