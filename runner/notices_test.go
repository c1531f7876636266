package runner

import (
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// Down for an hour, tried, deactivated, reachable again, activated with a replay.
func TestADeactivation(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Refused))
		w.work()
		w.publish(30)
		w.until("it is deactivated", func() bool { return !w.webhook().Active })
		r, _ := w.record()
		if webhook := w.webhook(); r.State != backlog.Parked || !r.Follows.Equal(webhook.Deactivated) || webhook.Reason == "" {
			w.t.Errorf("the webhook is %+v, its record %+v", webhook, r)
		}
		w.until("people are told", func() bool { return len(w.told()) == 2 })
		w.tells(backlog.Failing, backlog.Deactivated)
		if w.buffered[1] != 30 {
			w.t.Errorf("people are told of %v events", w.buffered)
		}
		w.publish(30)
		attempts := w.sent()
		w.until("its host was tried", func() bool { return w.probed() > 2 })
		w.reach()
		w.until("people are told", func() bool { return len(w.told()) == 3 })
		if w.sent() > attempts {
			w.t.Error("an inactive webhook got a request")
		}
		w.answers(nil)
		done, err := w.backlogs.Activate(w.t.Context(), w.key, true)
		if err != nil || done.Events != 60 {
			w.t.Errorf("activated: %+v, %v", done, err)
		}
		w.settled(1, 1)
		w.tells(backlog.Failing, backlog.Deactivated, backlog.Reachable, backlog.Recovered)
	})
}

func TestAnActivationWithoutAReplay(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Gone))
		w.work()
		w.publish(100)
		w.until("it is deactivated", func() bool { r, _ := w.record(); return r.State == backlog.Parked && len(r.Outbox) == 0 })
		w.answers(nil)
		if _, err := w.backlogs.Activate(w.t.Context(), w.key, false); err != nil {
			w.t.Fatal(err)
		}
		w.publish(10)
		w.until("the new ones are delivered", func() bool { _, there := w.record(); return len(w.counts()) == 10 && !there })
		if got := w.counts(); got["101"] != 1 || got["110"] != 1 {
			w.t.Errorf("delivered %v", got)
		}
	})
}

// Whatever a verdict is, what a webhook is not deactivated for goes on being attempted.
func TestVerdictsThatChangeNothing(t *testing.T) {
	for name, change := range map[string]func(*world){
		"observe": func(w *world) { w.options.Rules.Mode = backlog.Observe },
		"off":     func(w *world) { w.options.Rules.Mode = backlog.Off },
		"outage":  func(w *world) { w.outage = true },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, registry.Settings{}, nil, func(w *world) {
				change(w)
				w.answers(always(delivery.Refused))
				w.work()
				w.publish(3)
				time.Sleep(3 * time.Hour)
				if webhook := w.webhook(); !webhook.Active {
					w.t.Errorf("it is deactivated: %+v", webhook)
				}
				w.answers(nil)
				w.settled(1, 1)
			})
		})
	}
}

// A crash between the webhook's record and the backlog's is made up for by the next runner; people are told once.
func TestACrashInADeactivation(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Refused))
		w.publish(20)
		w.until("it is handed over", func() bool { _, there := w.record(); return there })
		if _, err := w.registry.Update(w.t.Context(), w.key, func(webhook *registry.Webhook) error {
			webhook.Active, webhook.Deactivated, webhook.Reason = false, w.broker.Now(), "of the test"
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
		w.work()
		w.until("the record follows", func() bool { r, _ := w.record(); return r.State == backlog.Parked && len(r.Outbox) == 0 })
		w.publish(100)
		time.Sleep(time.Minute)
		w.tells(backlog.Deactivated)
		w.answers(nil)
		if _, err := w.backlogs.Activate(w.t.Context(), w.key, true); err != nil {
			w.t.Fatal(err)
		}
		w.settled(1, 1)
	})
}

// An event that is rejected for an hour is given up where others are taken, and people are told.
func TestAnEventIsGivenUp(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.taken = true
		w.answers(func(r delivery.Request) delivery.Outcome {
			if number(r) == 2 {
				return delivery.Status
			}
			return delivery.Delivered
		})
		w.work()
		w.publish(3)
		w.until("people are told", func() bool { return len(w.told()) == 1 })
		w.tells(backlog.Exhausted)
		if n := w.notices[0]; len(n.Seqs) != 1 || n.Seqs[0] != 2 || n.Attempts < 10 {
			w.t.Errorf("people are told %+v", n)
		}
		w.until("nothing is outstanding", func() bool { _, there := w.record(); return !there })
	})
}
