package virtual

import (
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/replay"
)

// change changes a webhook's URL.
func (w *world) move(id uint64, url string) api.Webhook {
	w.t.Helper()
	moved, err := w.app.Service().Change(w.t.Context(), w.account, id, api.Change{URL: &url})
	if err != nil {
		w.t.Fatal(err)
	}
	return moved
}

// What waits for a dead URL goes to the new one at once, and the failures of the old one count for nothing.
func TestAnotherURLGetsWhatWaits(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.receiver.only("dead.example:80")
		id := w.createAt("http://dead.example/hook")
		w.publish(0, 60)
		w.pass(23 * time.Hour)
		if s := w.status(id); s.State != replay.Lagging || s.FailingSince.IsZero() {
			t.Fatalf("before the change: %+v", s)
		}
		if moved := w.move(id, "http://receiver.example/hook"); !moved.Status.FailingSince.IsZero() {
			t.Errorf("right after the change: %+v", moved.Status)
		}
		w.pass(2 * time.Second)
		w.got([2]int{0, 60})
		w.pass(2 * time.Hour)
		if s := w.status(id); s.State != replay.Live {
			t.Errorf("after the change: %+v", s)
		}
	})
}

// An inactive webhook stays so when its URL changes, and its replay goes to the new one.
func TestInactiveWebhookGetsAnotherURL(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.receiver.only("dead.example:80")
		id := w.createAt("http://dead.example/hook")
		w.publish(0, 3)
		w.pass(2 * day)
		w.move(id, "http://receiver.example/hook")
		w.pass(day)
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != 3 {
			t.Fatalf("after the change: %+v", s)
		}
		w.activate(id, true)
		w.pass(time.Minute)
		w.got([2]int{0, 3})
	})
}

// A webhook that a person pauses gets nothing, keeps its events and is replayed; and nobody is told of trouble.
func TestPausedWebhookKeepsItsEvents(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.publish(0, 5)
		w.pass(time.Second)
		paused, err := w.app.Service().Pause(w.t.Context(), w.account, id)
		if err != nil || paused.Active || paused.Reason != backlog.PausedReason {
			t.Fatalf("paused: %+v, %v", paused, err)
		}
		w.publish(5, 70)
		w.pass(2 * day)
		w.restart()
		w.pass(time.Minute)
		w.got([2]int{0, 5})
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != 65 {
			t.Errorf("while it is paused: %+v", s)
		}
		w.tells(id)
		if _, err := w.app.Service().Pause(w.t.Context(), w.account, id); err == nil || !strings.Contains(err.Error(), "inactive") {
			t.Errorf("paused twice: %v", err)
		}
		if n := w.activate(id, true); n != 65 {
			t.Errorf("%d events are to be replayed, want 65", n)
		}
		w.pass(time.Minute)
		w.got([2]int{0, 70})
	})
}

// An ordered webhook, which is served from its backlog, is paused as any.
func TestPausedOrderedWebhookGoesOnInOrder(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.createOrdered()
		w.publish(0, 3)
		w.pass(time.Second)
		if paused, err := w.app.Service().Pause(w.t.Context(), w.account, id); err != nil || paused.Active {
			t.Fatalf("paused: %+v, %v", paused, err)
		}
		w.publish(3, 6)
		w.pass(day)
		w.activate(id, true)
		w.pass(time.Minute)
		w.gotInOrder(6)
	})
}
