package virtual

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/replay"
)

// only answers with a status for one body, and with 200 for all others.
func only(body string, status int) func(string) int {
	return func(b string) int {
		if b == body {
			return status
		}
		return http.StatusOK
	}
}

func TestRejectedEventStallsNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(only("3", http.StatusInternalServerError))
		w.publish(0, 10)
		w.pass(time.Second)
		w.got([2]int{0, 3}, [2]int{4, 10})
		if s := w.status(id); s.Retries != 1 || s.Lag != 1 {
			t.Errorf("after one rejected event: %+v", s)
		}
		w.publish(10, 20)
		w.pass(time.Hour)
		w.got([2]int{0, 3}, [2]int{4, 20})
		w.receiver.answers(only("", 0))
		w.pass(time.Hour)
		w.got([2]int{0, 20})
		if s := w.status(id); s.State != replay.Live || s.Retries != 0 {
			t.Errorf("after it was taken: %+v", s)
		}
	})
}

func TestRejectedEventIsExhaustedWhileOthersAreTaken(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(only("3", http.StatusBadRequest))
		for hour := range 26 {
			w.publish(10*hour, 10*hour+10)
			w.pass(time.Hour)
		}
		if s := w.status(id); s.State != replay.Live || s.Retries != 0 || s.Lag != 0 {
			t.Errorf("after a day: %+v", s)
		}
		w.got([2]int{0, 3}, [2]int{4, 260})
	})
}

func TestRarelyUsedWebhookThatRejectsIsDeactivatedInTime(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(func(string) int { return http.StatusInternalServerError })
		w.publish(0, 1)
		w.pass(25 * time.Hour)
		s := w.status(id)
		if s.State != replay.Inactive || s.Buffered != 1 {
			t.Fatalf("after a day: %+v", s)
		}
		w.receiver.answers(only("", 0))
		w.activate(id, true)
		w.pass(time.Minute)
		w.got([2]int{0, 1})
	})
}

func TestEndpointThatRejectsEverythingBacksOff(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(func(string) int { return http.StatusInternalServerError })
		for minute := range 60 {
			w.publish(10*minute, 10*minute+10)
			w.pass(time.Minute)
		}
		if s := w.status(id); s.State != replay.Lagging || s.Lag != 600 || s.FailingSince.IsZero() {
			t.Errorf("after an hour: %+v", s)
		}
		if n := w.receiver.tried(); n > 600 {
			t.Errorf("%d attempts in an hour for 600 events: it does not back off", n)
		}
		w.receiver.answers(only("", 0))
		w.pass(time.Hour)
		w.got([2]int{0, 600})
	})
}

func TestGoneDeactivatesAtOnce(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(func(string) int { return http.StatusGone })
		w.publish(0, 5)
		w.pass(time.Second)
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != 5 {
			t.Fatalf("after 410: %+v", s)
		}
		w.receiver.answers(only("", 0))
		if n := w.activate(id, true); n != 5 {
			t.Errorf("%d events are to be replayed, want 5", n)
		}
		w.pass(time.Second)
		w.got([2]int{0, 5})
	})
}

func TestBurstOfFailuresDoesNotDeactivate(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 200)
		w.pass(10 * time.Second)
		if s := w.status(id); s.State != replay.Lagging || s.Lag != 200 {
			t.Errorf("after a burst of failures: %+v", s)
		}
		w.receiver.goes(false)
		w.pass(time.Minute)
		w.got([2]int{0, 200})
	})
}

func TestReplaySaysSoAndRetriesCount(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.receiver.goes(false)
		w.activate(id, true)
		w.pass(time.Minute)
		w.publish(20, 21)
		w.pass(time.Second)
		headers := w.receiver.seen()
		if len(headers) != 21 {
			t.Fatalf("%d deliveries, want 21", len(headers))
		}
		for i, h := range headers {
			if got, want := h.Get("Saumer-Replay") == "1", i >= 10 && i < 20; got != want {
				t.Errorf("delivery %d: replay %v, want %v", i, got, want)
			}
		}
		retried := slices.ContainsFunc(headers[10:20], func(h http.Header) bool { return h.Get("Saumer-Attempt") > "1" })
		if !retried {
			t.Error("no replayed event says that it was attempted before")
		}
	})
}

func TestDeletedWebhookGetsNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 10)
		w.pass(time.Minute)
		if err := w.app.Service().Delete(w.t.Context(), w.account, id); err != nil {
			t.Fatal(err)
		}
		tried := w.receiver.tried()
		w.receiver.goes(false)
		w.publish(10, 20)
		w.pass(day)
		if n := w.receiver.tried(); n != tried {
			t.Errorf("%d attempts after the webhook was deleted", n-tried)
		}
		entries, _, err := w.app.Service().Attempts(w.t.Context(), w.account, id, delivery.LogFilter{})
		if err == nil || len(entries) > 0 {
			t.Errorf("the log of a deleted webhook has %d entries, error %v", len(entries), err)
		}
	})
}

func TestRestartGoesOnWhereItWas(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 10)
		w.pass(time.Hour)
		w.restart()
		w.publish(10, 20)
		w.pass(time.Hour)
		w.receiver.goes(false)
		w.pass(time.Hour)
		w.got([2]int{0, 20})
		if s := w.status(id); s.State != replay.Live {
			t.Errorf("after the restart: %+v", s)
		}
	})
}
