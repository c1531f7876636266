package virtual

import (
	"net/http"
	"testing"
	"time"

	"github.com/saumer/saumer/replay"
)

func TestRarelyUsedWebhookIsDeactivatedInTime(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 1)
		w.pass(25 * time.Hour)
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != 1 {
			t.Fatalf("a day after its only event: %+v", s)
		}
		for d := range 4 {
			w.publish(1+d, 2+d)
			w.pass(day)
		}
		w.receiver.goes(false)
		if n := w.activate(id, true); n != 5 {
			t.Errorf("%d events are to be replayed, want 5", n)
		}
		w.pass(time.Minute)
		w.got([2]int{0, 5})
	})
}

func TestSuccessOfTheLastAllowedAttempt(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 10)
		w.pass(23 * time.Hour)
		// Until the next attempt is the one that would end in a deactivation.
		s := w.status(id)
		for s.State == replay.Lagging && s.NextAttempt.Before(s.FailingSince.Add(day)) {
			w.pass(time.Minute)
			s = w.status(id)
		}
		w.receiver.goes(false)
		w.pass(time.Hour)
		if s := w.status(id); s.State != replay.Live || !s.FailingSince.IsZero() {
			t.Errorf("after the success of the last allowed attempt: %+v", s)
		}
		w.got([2]int{0, 10})
	})
}

func TestFailureAfterAnActivationBeginsAnew(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.activate(id, true)
		w.pass(time.Second)
		if s := w.status(id); s.State != replay.Lagging {
			t.Errorf("after a failure after the activation: %+v", s)
		}
		w.pass(23 * time.Hour)
		if s := w.status(id); s.State != replay.Lagging {
			t.Errorf("after 23 hours of failing again: %+v", s)
		}
		w.pass(2 * time.Hour)
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != 10 {
			t.Errorf("after a day of failing again: %+v", s)
		}
		w.receiver.goes(false)
		w.activate(id, true)
		w.pass(time.Minute)
		w.got([2]int{0, 20})
	})
}

// takes has the receiver take a number of further events, and refuse everything after them.
func (w *world) takes(n int) {
	w.receiver.goes(false)
	w.receiver.answers(func(string) int {
		if n == 0 {
			return http.StatusServiceUnavailable
		}
		n--
		return http.StatusOK
	})
}

func TestDeactivatedDuringItsReplay(t *testing.T) {
	for name, first := range map[string]int{"within the window": 3, "after the window": 8} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				id := deliverAndFail(w)
				w.publish(100, 110)
				w.pass(time.Duration(first) * day)
				w.takes(5)
				if n := w.activate(id, true); n != 20 {
					t.Errorf("%d events are to be replayed, want 20", n)
				}
				w.pass(time.Minute)
				w.publish(150, 160) // after the first activation
				w.pass(25 * time.Hour)
				if s := w.status(id); s.State != replay.Inactive || s.Buffered != 25 {
					t.Fatalf("deactivated again: %+v", s)
				}
				w.publish(200, 210) // within the window of the second deactivation
				w.pass(6 * day)
				w.publish(300, 310) // and beyond it
				w.pass(day)
				if s := w.status(id); s.Buffered != 35 {
					t.Errorf("buffered %d, want 35", s.Buffered)
				}
				w.takes(-1)
				if n := w.activate(id, true); n != 35 {
					t.Errorf("%d events are to be replayed, want 35", n)
				}
				w.pass(time.Second)
				w.publish(400, 410)
				w.pass(time.Minute)
				w.got([2]int{0, 20}, [2]int{100, 110}, [2]int{150, 160}, [2]int{200, 210}, [2]int{400, 410})
			})
		})
	}
}
