package runner

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// Many hand-overs at once to one backlog are few writes, and each is in the record when it returns.
func TestHandOversAreGrouped(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Refused))
		w.publish(1)
		w.until("it is handed over", func() bool { _, there := w.record(); return there })
		before := w.entry(w.broker.Backlogs).Revision
		const n = 500
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				a := delivery.Attempt{Seq: uint64(100 + i), Number: 1, Published: w.broker.Now(), At: w.broker.Now(), Outcome: delivery.Refused}
				if err := w.cover.Cover(w.t.Context(), w.key, []delivery.Attempt{a}, 0); err != nil {
					w.t.Error(err)
				}
				if r, _ := w.record(); r.Attempts(a.Position()) != 1 {
					w.t.Errorf("event %d is handed over, and is not in the record", a.Seq)
				}
			})
		}
		all.Wait()
		if writes := w.entry(w.broker.Backlogs).Revision - before; writes > n/10 {
			w.t.Errorf("%d hand-overs were %d writes", n, writes)
		}
		if len(w.cover.groups) > 0 {
			w.t.Errorf("%d groups are left", len(w.cover.groups))
		}
	})
}

// A hand-over ends with its caller's context, or with the error of a record that is not ours to touch.
func TestHandOversThatFail(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		a := delivery.Attempt{Seq: 7, Number: 1, Outcome: delivery.Refused}
		ended, end := context.WithCancel(w.t.Context())
		end()
		if err := w.cover.Cover(ended, w.key, []delivery.Attempt{a}, 0); err == nil {
			w.t.Error("a hand-over went on after its context")
		}
		w.until("it is written", func() bool { _, there := w.record(); return there })
		w.set(w.broker.Backlogs, []byte(`{"v":99}`))
		if err := w.cover.Cover(w.t.Context(), w.key, []delivery.Attempt{a}, 0); err == nil {
			w.t.Error("an event is covered by a record of a newer version")
		}
	})
}

// Wakes that were lost are made up for by the sweep, and so are runners that crashed.
func TestWakesThatAreLost(t *testing.T) {
	for name, lease := range map[string]backlog.Lease{"nobody was woken": {}, "its runner crashed": {Owner: "crashed"}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, registry.Settings{}, nil, func(w *world) {
				w.work()
				time.Sleep(10 * time.Second) // the first sweep is over
				w.answers(always(delivery.Status))
				if lease.Owner != "" {
					lease.Until = w.broker.Now().Add(backlog.LeaseTime)
				}
				w.publish(1)
				at := w.broker.Now()
				if _, _, err := w.store.Upsert(w.t.Context(), w.key, func(b *backlog.Record) error {
					e, err := w.broker.Event(w.t.Context(), 1)
					if err != nil {
						return err
					}
					b.Take(backlog.Try{Attempt: delivery.Attempt{
						Seq: 1, Published: e.Time, Number: 1, At: at, Outcome: delivery.Refused,
					}}, &w.options.Rules)
					b.Lease = lease
					return nil
				}); err != nil {
					w.t.Fatal(err)
				}
				w.answers(nil)
				w.settled(1, 2)
				if took := w.broker.Now().Sub(at); took > 3*time.Minute {
					w.t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Wakes that are lost all at once are made up for at once, and not by the next sweep.
func TestWakeAll(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		worker := NewWorker(w.options)
		w.during(worker.Run)
		time.Sleep(10 * time.Second) // the first sweep is over
		w.publish(1)
		at := w.broker.Now()
		if _, _, err := w.store.Upsert(w.t.Context(), w.key, func(b *backlog.Record) error {
			e, err := w.broker.Event(w.t.Context(), 1)
			if err != nil {
				return err
			}
			b.Take(backlog.Try{Attempt: delivery.Attempt{
				Seq: 1, Published: e.Time, Number: 1, At: at, Outcome: delivery.Refused,
			}}, &w.options.Rules)
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
		worker.WakeAll()
		w.settled(1, 2)
		if took := w.broker.Now().Sub(at); took > 20*time.Second {
			w.t.Errorf("it took %v", took)
		}
	})
}
