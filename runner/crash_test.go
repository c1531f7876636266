package runner

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// crash is a span that was written by a runner which then crashed.
func (w *world) crash() *runner {
	w.t.Helper()
	w.answers(always(delivery.Refused))
	w.publish(2)
	w.until("they are handed over", func() bool { r, _ := w.record(); return r.State == backlog.Leaving })
	return w.runner("crashed")
}

// Span first, then range: a crash between the two leaves a span without a range, which both deliver.
func TestACrashBetweenSpanAndRange(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		r := w.crash()
		progress, err := w.broker.Progress(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		from := progress.HandedOut + 1
		if err := r.update(w.t.Context(), func(b *backlog.Record) { b.Open("lost", from, event.Position{}) }); err != nil {
			w.t.Fatal(err)
		}
		w.answers(nil)
		w.publish(100)
		w.work()
		w.settled(1, 2)
	})
}

// Both are written: whoever comes next goes on, once the lease is over.
func TestACrashAfterTheRange(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		r := w.crash()
		if err := r.openSpan(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.answers(nil)
		w.publish(100)
		began := time.Now()
		w.work()
		w.settled(1, 1)
		if took := time.Since(began); took < backlog.LeaseTime/2 {
			w.t.Errorf("another runner came after %v", took)
		}
	})
}

// The range's end first, then the span's: a crash between the two leaves an open span of a range that has ended. Whoever
// comes next moves the end up over what is handed out by then, some of which the live path has delivered.
func TestACrashBetweenTheTwoEnds(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		r := w.crash()
		if err := r.openSpan(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.publish(100)
		w.until("all are handed out", func() bool {
			progress, err := w.broker.Progress(w.t.Context())
			return err == nil && progress.HandedOut == uint64(w.published)
		})
		to, err := r.handedOut(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := r.closeRange(w.t.Context(), w.span(), to); err != nil {
			w.t.Fatal(err)
		}
		w.answers(nil)
		w.publish(10)
		w.work()
		w.settled(1, 2)
	})
}

// What was handed out before the end of the range showed may have been skipped behind it: the end moves up over it.
func TestTheEndOfARangeMovesUp(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		r := w.crash()
		if err := r.openSpan(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.publish(100)
		w.until("all are handed out", func() bool {
			progress, err := w.broker.Progress(w.t.Context())
			return err == nil && progress.HandedOut == uint64(w.published)
		})
		span := w.span()
		bounds, err := w.broker.Bounds(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		end, err := r.closeRange(w.t.Context(), span, event.End{Seq: span.From, AsOf: bounds.Last.Time})
		if err != nil || end.Seq != uint64(w.published)+1 {
			w.t.Errorf("the end is %+v, %v", end, err)
		}
		if webhook := w.webhook(); webhook.Ranges[len(webhook.Ranges)-1].To != end {
			w.t.Errorf("the ranges are %+v, want the end %+v", webhook.Ranges, end)
		}
	})
}

// While a pass runs, somebody else changes the record: nothing is lost, and nothing comes twice.
func TestHandOversDuringAPass(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Refused))
		w.publish(40)
		w.until("it is handed over", func() bool { r, _ := w.record(); return len(r.Pending) > 0 })
		w.slow(30 * time.Millisecond) // so that a checkpoint comes between
		var covered atomic.Uint64
		w.answers(func(r delivery.Request) delivery.Outcome {
			n := 1000 + covered.Add(1)
			if r.Seq > 1000 {
				return delivery.Delivered
			}
			// Another event of a retry that is for nobody here: the stream does not hold it.
			a := delivery.Attempt{Seq: n, Number: 1, Published: w.broker.Now(), At: w.broker.Now(), Outcome: delivery.Status}
			if err := w.cover.Cover(context.Background(), w.key, []delivery.Attempt{a}, 0); err != nil {
				w.t.Error(err)
			}
			if number(r)%7 == 0 && r.Number < 3 {
				return delivery.Status
			}
			return delivery.Delivered
		})
		w.work()
		w.settled(1, 1)
	})
}

// A runner whose lease another one has taken writes nothing any more.
func TestALeaseThatAnotherHasTaken(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Status))
		w.publish(2)
		w.until("both wait", func() bool { r, _ := w.record(); return len(r.Retries) == 2 })
		time.Sleep(time.Minute)
		var other uint64
		w.answers(func(delivery.Request) delivery.Outcome {
			_, revision, err := w.store.Update(context.Background(), w.key, func(b *backlog.Record) error {
				b.Lease = backlog.Lease{Owner: "other", Until: w.broker.Now().Add(time.Hour)}
				return nil
			})
			if err != nil {
				w.t.Error(err)
			}
			other = revision
			return delivery.Delivered
		})
		w.run()
		if e := w.entry(w.broker.Backlogs); e.Revision != other {
			w.t.Errorf("the record is at %d, the other runner wrote %d", e.Revision, other)
		}
		// Nor does one begin.
		requests := w.sent()
		w.run()
		if w.sent() > requests {
			w.t.Error("a runner without a lease made attempts")
		}
	})
}

// A pass that cannot write ends, waits for what is under way, and leaves the record as it is.
func TestARecordThatCannotBeWritten(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Refused))
		w.publish(20)
		w.until("they are handed over", func() bool { r, _ := w.record(); return len(r.Pending) > 0 })
		w.slow(time.Second)
		w.answers(func(delivery.Request) delivery.Outcome {
			w.set(w.broker.Backlogs, []byte(`{"v":99}`))
			return delivery.Delivered
		})
		time.Sleep(time.Minute)
		before := w.entry(w.broker.Backlogs).Value
		err := run(w.t.Context(), w.t.Context(), w.options, w.key)
		if !errors.Is(err, record.ErrNewer) {
			w.t.Errorf("the pass ended with %v", err)
		}
		if e := w.entry(w.broker.Backlogs); string(e.Value) != `{"v":99}` {
			w.t.Errorf("the record is %s", e.Value)
		}
		// The next one is a second later.
		w.set(w.broker.Backlogs, before)
		w.answers(nil)
		w.work()
		w.settled(1, 2)
	})
}

// Of a webhook that is deleted nothing is attempted any more, and the record goes.
func TestAWebhookThatIsDeleted(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Refused))
		w.work()
		w.publish(20)
		w.until("it is off the live path", w.spanned)
		var deleted atomic.Int64
		w.answers(func(delivery.Request) delivery.Outcome {
			if deleted.Add(1) == 1 {
				if err := w.registry.Delete(context.Background(), w.key); err != nil {
					w.t.Error(err)
				}
			}
			return delivery.Delivered
		})
		w.until("its record is gone", func() bool { _, there := w.record(); return !there })
		if n := deleted.Load(); n != 1 {
			w.t.Errorf("%d attempts", n)
		}
	})
}

// A stop cuts what is under way at the end of the grace. It counts for nothing, and is attempted again.
func TestAStop(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Status))
		w.publish(3)
		w.until("they wait", func() bool { r, _ := w.record(); return len(r.Retries) == 3 })
		time.Sleep(time.Minute)
		w.answers(nil)
		w.slow(time.Hour)
		ctx, stop := context.WithCancel(w.t.Context())
		ran := make(chan error, 1)
		go func() { ran <- NewWorker(w.options).Run(ctx) }()
		w.until("an attempt is under way", func() bool { return len(w.attempts(1))+len(w.attempts(2))+len(w.attempts(3)) > 3 })
		began := time.Now()
		stop()
		if err := <-ran; err != nil {
			w.t.Error(err)
		}
		if took := time.Since(began); took < w.options.Grace || took > w.options.Grace+w.options.Pull+time.Second {
			w.t.Errorf("the stop took %v", took)
		}
		if r, _ := w.record(); r.Lease.Owner != "" || len(r.Retries) != 3 || r.Retries[0].Attempts != 1 || r.Health.Failing() {
			w.t.Errorf("it left %+v", r)
		}
		w.slow(time.Millisecond)
		w.work()
		w.settled(1, 1)
	})
}
