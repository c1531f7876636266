package runner

import (
	"strconv"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// writes are how often the bucket of backlogs and the stream of wakes were written to.
func (w *world) writes() (records, wakes uint64) {
	w.t.Helper()
	state, err := w.broker.Backlogs.State(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := w.broker.JetStream.Stream(w.t.Context(), "WAKES")
	if err != nil {
		w.t.Fatal(err)
	}
	return state.Last, stream.CachedInfo().State.LastSeq
}

// A webhook that fails is written twice an attempt, the lease and what came of it, and woken once.
func TestWhatAFailingWebhookWrites(t *testing.T) {
	inWorld(t, registry.Settings{}, func(o *Options) { o.Rules.After = 24 * time.Hour }, func(w *world) {
		w.outage100()
		time.Sleep(5 * time.Minute)
		records, wakes := w.writes()
		before := w.sent()
		time.Sleep(10*time.Minute + 500*time.Millisecond)
		attempts := uint64(w.sent() - before)
		moreRecords, moreWakes := w.writes()
		if attempts < 5 {
			w.t.Fatalf("%d attempts in ten minutes", attempts)
		}
		// What is said of a failing webhook is written once, and a wake is one message when it is scheduled and one when it is due.
		if n := moreRecords - records; n > 2*attempts+4 {
			w.t.Errorf("%d attempts were %d writes of the record", attempts, n)
		}
		if n := moreWakes - wakes; n > 2*attempts+2 {
			w.t.Errorf("%d attempts were %d messages for wakes", attempts, n)
		}
	})
}

// Backlogs that only wait are neither written, nor woken, nor read.
func TestWhatWaitsCostsNothing(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		const others = 300
		at := w.broker.Now()
		for i := range others {
			webhook, _, err := w.registry.Create(w.t.Context(), registry.Webhook{Account: "demo", Event: "optout_finalized", URL: "http://r.example/"})
			if err != nil {
				w.t.Fatal(err)
			}
			if _, _, err := w.store.Upsert(w.t.Context(), webhook.Key(), func(b *backlog.Record) error {
				b.Pending = backlog.Pending{{Position: event.Position{Seq: 1, Time: at}, Attempts: 3}}
				if i%2 == 1 {
					b.NotBefore = at.Add(24 * time.Hour)
					return nil
				}
				b.Open("off", 1000, event.Position{})
				b.Deactivate(at, "it failed")
				b.Probe = backlog.Probe{}
				b.Outbox = nil
				return nil
			}); err != nil {
				w.t.Fatal(err)
			}
			if i%2 == 0 {
				if _, err := w.registry.Update(w.t.Context(), webhook.Key(), func(w *registry.Webhook) error {
					w.Active, w.Deactivated = false, at
					return w.OpenRange("off", 1000, 0)
				}); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		s := &sweeper{Worker: NewWorker(w.options)}
		sent := func() int64 {
			all, err := w.server.Varz(nil)
			if err != nil {
				w.t.Fatal(err)
			}
			return all.OutMsgs
		}
		sweep := func() int64 {
			before := sent()
			if err := s.sweep(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
			return sent() - before
		}
		if n := sweep(); n < others {
			w.t.Errorf("the first sweep read %d messages, with %d backlogs", n, others)
		}
		records, wakes := w.writes()
		for range rarely - 1 {
			time.Sleep(time.Minute)
			if n := sweep(); n > 10 {
				w.t.Errorf("a sweep over %d backlogs, none of which has changed, brought %d messages", others, n)
			}
		}
		if r, k := w.writes(); r != records || k != wakes {
			w.t.Errorf("at rest %d records and %d wakes were written", r-records, k-wakes)
		}
	})
}

// A wake that comes before its time, or twice, writes no record.
func TestAWakeBeforeItsTime(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.outage100()
		w.until("it waits", func() bool {
			r, _ := w.record()
			return r.Lease.Owner == "" && r.NotBefore.After(w.broker.Now().Add(10*time.Second))
		})
		before, sent := w.entry(w.broker.Backlogs).Revision, w.sent()
		for range 3 {
			w.run()
		}
		if after := w.entry(w.broker.Backlogs).Revision; after != before || w.sent() != sent {
			w.t.Errorf("three wakes before the time wrote %d records and made %d attempts", after-before, w.sent()-sent)
		}
		w.answers(nil)
		w.settled(1, 1)
	})
}

// Backlogs of one account whose endpoints hang keep no other account's waiting, though they could take all places.
func TestHangingBacklogsOfAnotherAccount(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		const busy = 12
		w.answers(func(r delivery.Request) delivery.Outcome {
			if number(r) < 0 {
				time.Sleep(time.Minute)
				return delivery.Timeout
			}
			return delivery.Status
		})
		for range busy {
			if _, _, err := w.registry.Create(w.t.Context(), registry.Webhook{Account: "busy", Event: optin, URL: "http://hangs.example/"}); err != nil {
				w.t.Fatal(err)
			}
		}
		if _, err := event.Publish(w.t.Context(), w.broker.JetStream, "busy", optin, "", []byte(strconv.Itoa(-1))); err != nil {
			w.t.Fatal(err)
		}
		worker := NewWorker(w.options)
		worker.queue = newQueue(4)
		w.during(worker.Run)
		w.until("the others are being worked off", func() bool { return w.sent() > busy })
		w.publish(1)
		w.until("it is handed over", func() bool { _, there := w.record(); return there })
		began := time.Now()
		w.answers(nil)
		w.until("it is delivered", func() bool { return len(w.counts()) > 0 && w.counts()["1"] == 1 })
		if took := time.Since(began); took > 10*time.Second {
			w.t.Errorf("with a backoff of a second it took %v", took)
		}
	})
}

// What may be lost is woken again; a wake that NATS has is left in its place.
func TestAWakeKeepsItsPlace(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		ctx := w.t.Context()
		if err := w.broker.Wake(ctx, "a.1"); err != nil {
			w.t.Fatal(err)
		}
		if err := w.broker.WakeAt(ctx, "a.2", time.Now().Add(time.Hour)); err != nil {
			w.t.Fatal(err)
		}
		_, before := w.writes()
		for key, at := range map[string]time.Time{"a.1": {}, "a.2": time.Now().Add(2 * time.Hour)} {
			if err := w.broker.Rewake(ctx, key, at); err != nil {
				w.t.Error(err)
			}
		}
		if _, after := w.writes(); after != before {
			w.t.Errorf("%d wakes were written though NATS has both", after-before)
		}
		if err := w.broker.Rewake(ctx, "a.3", time.Time{}); err != nil {
			w.t.Error(err)
		}
		wakes, err := w.broker.Wakes.Fetch(2, broker.Waiting(time.Second)...)
		if err != nil {
			w.t.Fatal(err)
		}
		var keys []string
		for m := range wakes.Messages() {
			keys = append(keys, broker.WokenKey(m))
		}
		if len(keys) != 2 || keys[0] != "a.1" || keys[1] != "a.3" {
			w.t.Errorf("woken are %v", keys)
		}
	})
}
