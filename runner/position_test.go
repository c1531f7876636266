package runner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// In these stories the stream goes back, as with a loss of power or a restored backup: the directory of EVENTS is put back to
// what it was, with its consumer. New events then get the sequences of those that are gone.

// goingBack plays a story in which NATS goes back, with processes that live on and with processes that are started again.
func goingBack(t *testing.T, story func(w *world, back func(copied string))) {
	t.Helper()
	for name, restart := range map[string]bool{"the process lives on": false, "the process is started again": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, registry.Settings{}, nil, func(w *world) {
				w.work()
				story(w, func(copied string) {
					w.t.Helper()
					w.moved(restart, func(events string) error {
						if err := os.RemoveAll(events); err != nil {
							return err
						}
						return os.CopyFS(events, os.DirFS(copied))
					})
				})
			})
		})
	}
}

// moved does something to the directory of EVENTS while NATS is down.
func (w *world) moved(restart bool, do func(events string) error) {
	w.t.Helper()
	if restart {
		w.stop()
	} else {
		w.down()
	}
	if err := do(filepath.Join(w.dir, "jetstream", "$G", "streams", "EVENTS")); err != nil {
		w.t.Fatal(err)
	}
	if !restart {
		w.serve()
		w.until("NATS is back", func() bool { return w.broker.Ready(w.t.Context()) == nil })
		return
	}
	w.start()
	w.work()
}

// copied is what EVENTS is now.
func (w *world) copied() string {
	w.t.Helper()
	copied := w.t.TempDir()
	w.moved(true, func(events string) error { return os.CopyFS(copied, os.DirFS(events)) })
	return copied
}

// takesUpTo is an endpoint that is down for events after a number.
func takesUpTo(n int) func(delivery.Request) delivery.Outcome {
	return func(r delivery.Request) delivery.Outcome {
		if number(r) > n {
			return delivery.Refused
		}
		return delivery.Delivered
	}
}

// A cursor is beyond events of which it has seen none: it goes back to the first that is later than its anchor.
func TestACursorGoesBack(t *testing.T) {
	goingBack(t, func(w *world, back func(string)) {
		w.answers(always(delivery.Refused))
		w.publish(10)
		w.until("it is off the live path", w.spanned)
		w.publish(90)
		copied := w.copied()
		w.publish(500)
		w.answers(takesUpTo(200))
		w.until("the cursor is there", func() bool { return w.span().Cursor > 200 })
		back(copied)
		w.publish(200) // 601 to 800, as 101 to 300
		w.answers(nil)
		w.calm()
		w.came(601, 1, 1)
	})
}

// A waiting event is that of a sequence and a time: another one under its sequence is not sent for it.
func TestAWaitingEventThatIsAnother(t *testing.T) {
	goingBack(t, func(w *world, back func(string)) {
		w.publish(5)
		w.until("all are delivered", func() bool { return len(w.counts()) == 5 })
		copied := w.copied()
		w.answers(func(r delivery.Request) delivery.Outcome {
			if number(r) <= 10 {
				return delivery.Status
			}
			return delivery.Delivered
		})
		w.publish(5)
		w.until("five wait", func() bool { r, _ := w.record(); return len(r.Retries) == 5 })
		back(copied)
		w.publish(5) // 11 to 15, as 6 to 10
		w.answers(nil)
		w.calm()
		w.came(11, 1, 1)
		if got := w.counts(); len(got) != 10 {
			w.t.Errorf("delivered %v", got)
		}
	})
}

// A range that has ended is one of events up to a time: later ones under its sequences are the live path's.
func TestARangeThatHasEnded(t *testing.T) {
	goingBack(t, func(w *world, back func(string)) {
		w.publish(5)
		w.until("all are delivered", func() bool { return len(w.counts()) == 5 })
		copied := w.copied()
		w.answers(always(delivery.Refused))
		w.publish(10)
		w.until("it is off the live path", w.spanned)
		w.publish(190)
		w.answers(nil)
		w.settled(1, 1)
		back(copied)
		w.publish(200) // 206 to 405, as 6 to 205
		w.calm()
		w.came(206, 1, 1)
	})
}

// So is the range that a new webhook has.
func TestTheRangeOfANewWebhook(t *testing.T) {
	goingBack(t, func(w *world, back func(string)) {
		w.publish(5)
		w.until("all are delivered", func() bool { return len(w.counts()) == 5 })
		copied := w.copied()
		w.publish(50)
		w.until("all are delivered", func() bool { return len(w.counts()) == 55 })
		if err := w.registry.Delete(w.t.Context(), w.key); err != nil {
			w.t.Fatal(err)
		}
		w.create(registry.Settings{})
		back(copied)
		w.publish(60)
		w.calm()
		w.came(56, 1, 1)
	})
}
