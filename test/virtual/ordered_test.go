package virtual

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

func (w *world) createOrdered() uint64 {
	w.t.Helper()
	created, _, err := w.app.Service().Create(w.t.Context(), w.account, api.CreateInput{
		App: "tourism", Event: optin, URL: "http://receiver.example/hook", Settings: registry.Settings{Ordered: true},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return created.ID
}

// gotInOrder checks that exactly the events [0, to) came, but for those left out, each once and in this order.
func (w *world) gotInOrder(to int, without ...int) {
	w.t.Helper()
	left := map[int]bool{}
	for _, i := range without {
		left[i] = true
	}
	got := w.receiver.bodies()
	for i := range to {
		if left[i] {
			continue
		}
		if len(got) == 0 || got[0] != strconv.Itoa(i) {
			w.t.Fatalf("instead of %d comes %v", i, got)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		w.t.Errorf("besides comes %v", got)
	}
}

func TestOrderedWebhookKeepsTheOrder(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.createOrdered()
		w.publish(0, 200)
		w.pass(time.Minute)
		w.gotInOrder(200)
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 {
			t.Errorf("once all is delivered: %+v", s)
		}
		// One by one, as long as it rests in between: the first of them come by the live path, those in the open range do not.
		for i := range 60 {
			w.publish(200+i, 201+i)
			w.pass(2 * time.Second)
			w.gotInOrder(201 + i)
		}
		// A rejected event holds up what follows.
		w.receiver.answers(only("265", http.StatusInternalServerError))
		w.publish(260, 275)
		w.pass(10 * time.Minute)
		w.gotInOrder(265)
		if s := w.status(id); s.State != replay.Lagging || s.Lag != 10 || s.Retries != 1 {
			t.Errorf("while an event is rejected: %+v", s)
		}
		w.receiver.answers(only("", 0))
		w.pass(time.Hour)
		w.gotInOrder(275)
		// So does an endpoint that is not there, and a restart.
		w.receiver.goes(true)
		w.publish(275, 355)
		w.pass(10 * time.Minute)
		w.restart()
		w.receiver.goes(false)
		w.publish(355, 455)
		w.pass(time.Hour)
		w.gotInOrder(455)
	})
}

func TestOrderedWebhookGivesUpOneEventAndGoesOn(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.createOrdered()
		w.receiver.answers(only("3", http.StatusBadRequest))
		w.publish(0, 10)
		w.pass(23 * time.Hour)
		w.gotInOrder(3)
		w.pass(3 * time.Hour)
		w.gotInOrder(10, 3)
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 {
			t.Errorf("after a day: %+v", s)
		}
	})
}

func TestOrderedWebhookThatRejectsEverythingIsDeactivatedAndReplayedInOrder(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.createOrdered()
		w.publish(0, 5)
		w.pass(time.Minute)
		w.receiver.answers(func(string) int { return http.StatusUnauthorized })
		w.publish(5, 100)
		w.pass(51 * time.Hour)
		// The first was exhausted, since the one before it was taken; with the second it is the endpoint.
		s := w.status(id)
		if s.State != replay.Inactive || s.Buffered != 94 {
			t.Fatalf("after two days: %+v", s)
		}
		w.receiver.answers(only("", 0))
		w.publish(100, 120)
		if n := w.activate(id, true); n != 114 {
			t.Errorf("%d events are to be replayed, want 114", n)
		}
		w.publish(120, 130)
		w.pass(time.Minute)
		w.gotInOrder(130, 5)
	})
}
