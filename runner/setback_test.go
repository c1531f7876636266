package runner

import (
	"sync"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// outage has the endpoint go down, publishes 100 events, and returns once the webhook is off the live path.
func (w *world) outage100() {
	w.t.Helper()
	w.answers(always(delivery.Refused))
	w.work()
	w.publish(10)
	w.until("it is off the live path", w.spanned)
	w.publish(90)
}

// A record that is removed while the webhook's range is open: the span is made anew from where the range begins.
func TestARecordThatIsLost(t *testing.T) {
	for name, restart := range map[string]bool{"found by a sweep": false, "found at the start": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, registry.Settings{}, nil, func(w *world) {
				w.outage100()
				w.until("what was handed over is known", func() bool {
					r, _ := w.record()
					progress, err := w.broker.Progress(w.t.Context())
					return err == nil && progress.AckFloor == uint64(w.published) && r.Lease.Owner == ""
				})
				from := int(w.opened().From)
				w.set(w.broker.Backlogs, nil)
				status, err := w.backlogs.Status(w.t.Context(), w.webhook())
				if err != nil || status.State != replay.Lagging || status.Lag != uint64(w.published-from+1) {
					w.t.Errorf("it is said to be %+v, %v", status, err)
				}
				w.answers(nil)
				if restart {
					w.stop()
					w.start()
					w.work()
				}
				w.calm()
				w.came(from, 1, 1)
			})
		})
	}
}

// A webhook's record that goes back to before its range: the span is worked off beside the live path.
func TestARangeThatIsLost(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		before := w.entry(w.broker.Webhooks).Value
		w.outage100()
		w.set(w.broker.Webhooks, before)
		w.publish(100)
		w.answers(nil)
		w.settled(1, 2)
	})
}

// A backlog's record that goes back while it is worked off: the runner takes nothing for done that the record does not.
func TestARecordThatGoesBackDuringAPass(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.outage100()
		// An older record would lack what the live path has handed over and acknowledged since.
		w.until("all is handed over", func() bool {
			progress, err := w.broker.Progress(w.t.Context())
			return err == nil && progress.AckFloor == uint64(w.published)
		})
		before := w.entry(w.broker.Backlogs).Value
		var once sync.Once
		w.slow(20 * time.Millisecond)
		w.answers(func(r delivery.Request) delivery.Outcome {
			if number(r) == 90 {
				once.Do(func() { w.set(w.broker.Backlogs, before) })
			}
			return delivery.Delivered
		})
		w.settled(1, 2)
	})
}

// It may go back between the ends of range and span: what the span had left is owed. Where the record is gone, whoever has its
// lease writes it again.
func TestARecordThatGoesBackAtTheEnd(t *testing.T) {
	for name, gone := range map[string]bool{"to before the span": false, "to before the record": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, registry.Settings{}, nil, func(w *world) {
				r := w.crash()
				before := w.entry(w.broker.Backlogs).Value
				if gone {
					before = nil
				}
				if err := r.openSpan(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				w.publish(100)
				w.until("all are handed out", func() bool {
					progress, err := w.broker.Progress(w.t.Context())
					return err == nil && progress.HandedOut == uint64(w.published)
				})
				from := int(w.opened().From)
				r.feed = newFeed(w.broker, w.webhook(), &r.record, w.broker.Now(), 0)
				w.set(w.broker.Backlogs, before)
				if err := r.closeSpan(w.t.Context()); (err == nil) != gone {
					w.t.Errorf("the end of a span was written to another record: %v", err)
				}
				if w.opened() != nil {
					w.t.Error("the range has not ended")
				}
				w.answers(nil)
				w.work()
				w.calm()
				w.came(from, 1, 1)
			})
		})
	}
}

// A webhook that is active though its backlog is parked: its record went back to before the deactivation.
func TestADeactivationThatIsLost(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.outage100()
		before := w.entry(w.broker.Webhooks).Value
		w.until("it is deactivated", func() bool { r, _ := w.record(); return r.State == backlog.Parked })
		w.set(w.broker.Webhooks, before)
		w.answers(nil)
		w.settled(1, 1)
	})
}

// An activation that the record followed is not followed again, when a webhook's record brings back an older one.
func TestAnActivationThatIsOlder(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		deactivated := func() bool { r, _ := w.record(); return r.State == backlog.Parked && len(r.Outbox) == 0 }
		w.answers(always(delivery.Gone))
		w.work()
		w.publish(1)
		w.until("it is deactivated", deactivated)
		w.answers(nil)
		if _, err := w.backlogs.Activate(w.t.Context(), w.key, false); err != nil {
			w.t.Fatal(err)
		}
		w.publish(1)
		w.until("it is worked off", func() bool { _, there := w.record(); return !there })
		before := w.entry(w.broker.Webhooks).Value // activated without a replay
		w.answers(always(delivery.Gone))
		w.publish(100)
		w.until("it is deactivated", deactivated)
		w.answers(nil)
		if _, err := w.backlogs.Activate(w.t.Context(), w.key, true); err != nil {
			w.t.Fatal(err)
		}
		w.set(w.broker.Webhooks, before)
		w.calm()
		w.came(2, 1, 2)
	})
}
