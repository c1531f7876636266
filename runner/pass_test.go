package runner

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

func TestARejectedEventIsRetriedByItself(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(func(r delivery.Request) delivery.Outcome {
			if number(r) == 2 && r.Number < 3 {
				return delivery.Status
			}
			return delivery.Delivered
		})
		w.work()
		began := time.Now()
		w.publish(3)
		w.settled(1, 1)
		if got := w.attempts(2); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("attempts %v", got)
		}
		if took := time.Since(began); took < 2*time.Second || took > 10*time.Second {
			t.Errorf("with backoffs of a second and two it took %v", took)
		}
		w.tells()
	})
}

// The webhook leaves the live path, catches up, and comes back: each event is delivered once.
func TestAnOutage(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.work()
		w.publish(5)
		w.until("all are delivered", func() bool { return len(w.counts()) == 5 })
		w.answers(always(delivery.Refused))
		w.publish(2)
		w.until("it is off the live path", w.spanned)
		span, known := w.span(), w.opened()
		if known == nil || known.ID != span.ID || known.From != span.From {
			t.Errorf("the range %+v and the span %+v are not one", known, span)
		}
		w.publish(300)
		time.Sleep(time.Minute)
		if n := w.sent(); n > 200 {
			t.Errorf("an endpoint that is down got %d requests", n)
		}
		w.answers(nil)
		w.settled(1, 1)

		before := w.sent()
		w.publish(1)
		w.until("it is delivered", func() bool { return w.sent() > before })
		if _, there := w.record(); there {
			t.Error("the event after the outage did not go by the live path")
		}
		w.tells()
	})
}

// An event that the retention dropped while it waited is done with.
func TestAnEventThatIsGone(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Status))
		w.publish(2)
		w.until("both wait", func() bool { r, _ := w.record(); return len(r.Retries) == 2 })
		stream, err := w.broker.JetStream.Stream(w.t.Context(), "EVENTS")
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.DeleteMsg(w.t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		w.answers(nil)
		w.work()
		w.until("nothing is outstanding", func() bool { _, there := w.record(); return !there })
		if got := w.counts(); got["1"] != 0 || got["2"] != 1 {
			t.Errorf("delivered %v", got)
		}
	})
}

// Ten different events in a row that are rejected speak of the endpoint.
func TestAnEndpointThatRejectsEverything(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.answers(always(delivery.Status))
		w.work()
		w.publish(100)
		w.until("it is off the live path", w.spanned)
		time.Sleep(10 * time.Minute)
		r, _ := w.record()
		if !r.Refusing() || !r.Health.Failing() {
			t.Errorf("an endpoint that rejects everything is not said to fail: %+v", r)
		}
		w.answers(nil)
		w.settled(1, 1)
	})
}

func TestOrdered(t *testing.T) {
	inWorld(t, registry.Settings{Ordered: true}, nil, func(w *world) {
		w.work()
		w.publish(20)
		w.until("all are delivered", func() bool { return len(w.counts()) == 20 })
		w.answers(func(r delivery.Request) delivery.Outcome {
			switch n := number(r); {
			case n == 25 && r.Number < 3:
				return delivery.Status
			case n == 30 && r.Number < 3:
				return delivery.Refused
			}
			return delivery.Delivered
		})
		w.publish(20)
		w.until("all are delivered", func() bool { return len(w.counts()) == 40 })
		time.Sleep(time.Minute)
		w.publish(20) // after a rest
		w.until("all are delivered", func() bool { return len(w.counts()) == 60 })
		w.came(1, 1, 1)
		for i, body := range w.got {
			if body != strconv.Itoa(i+1) {
				t.Fatalf("delivered in the order %v", w.got)
			}
		}
		if !w.spanned() {
			t.Error("an ordered webhook is not served from its backlog")
		}
	})
}
