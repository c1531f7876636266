package runner

import (
	"testing"
	"time"

	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// patient has the rules of a process by default.
func patient(o *Options) {
	o.Rules.Backoff.Max, o.Rules.After = defaults.BackoffMax, defaults.DeactivateAfter
}

// poisoned has an endpoint take nothing of the first events, so many that those which follow are not the live path's, until it has
// been failing for hours.
func (w *world) poisoned() (beyond int) {
	w.answers(func(r delivery.Request) delivery.Outcome {
		if number(r) <= 2 {
			return delivery.Unavailable
		}
		return delivery.Delivered
	})
	w.work()
	w.publish(2)
	w.until("it is off the live path", w.spanned)
	time.Sleep(3 * time.Hour)
	return int(w.span().From)
}

// What an endpoint has not met does not wait for what it met: two events that nobody takes keep the next one for seconds, not for
// the backoff of hours.
func TestANewEventOfAFailingWebhook(t *testing.T) {
	inWorld(t, registry.Settings{}, patient, func(w *world) {
		first := w.poisoned()
		w.publish(first - 2)
		began := time.Now()
		w.until("the new event is taken", func() bool { return len(w.attempts(uint64(first))) == 1 })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute)
		if r, there := w.record(); !there || r.Health.Failing() || len(r.Retries) != 2 || !r.Retries[0].Cleared || !r.Retries[1].Cleared {
			t.Errorf("a record: %v, %+v", there, r)
		}
	})
}

// What the live path still delivers, though the webhook is about to leave it, tells that its endpoint is well.
func TestWhatTheLivePathStillDelivers(t *testing.T) {
	inWorld(t, registry.Settings{}, patient, func(w *world) {
		if first := w.poisoned(); first < 5 {
			t.Fatalf("the range begins at %d", first)
		}
		w.mu.Lock()
		w.taken = true
		w.mu.Unlock()
		w.publish(1)
		began := time.Now()
		w.until("it is back on the live path", func() bool { r, there := w.record(); return there && !r.Health.Failing() && !w.spanned() })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// An endpoint that takes nothing is attempted ever more rarely, however many new events there are.
func TestNewEventsDoNotUndoTheBackoff(t *testing.T) {
	inWorld(t, registry.Settings{}, patient, func(w *world) {
		w.poisoned()
		w.answers(always(delivery.Refused))
		w.publish(100)
		before := w.sent()
		for range 6 * 60 {
			w.publish(1)
			time.Sleep(time.Minute)
		}
		if n := w.sent() - before; n < 20 || n > 100 {
			t.Errorf("%d attempts in six hours", n)
		}
	})
}
