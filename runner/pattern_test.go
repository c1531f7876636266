package runner

import (
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// moved is an event that the story's webhook is not for; another one is.
const moved = "moved"

// pattern has the story's webhook be one for the events whose names match a pattern, and makes one that is for moved.
func (w *world) pattern(pattern string) {
	w.t.Helper()
	ctx, before := w.t.Context(), w.webhook()
	if err := w.backlogs.Delete(ctx, before.Key()); err != nil {
		w.t.Fatal(err)
	}
	several := registry.Webhook{Account: "demo", URL: before.URL, Settings: before.Settings}
	several.SetEvents([]string{pattern})
	made, _, err := w.registry.Create(ctx, several)
	if err != nil {
		w.t.Fatal(err)
	}
	w.key = made.Key()
	if _, _, err := w.registry.Create(ctx, registry.Webhook{Account: "demo", Event: moved, URL: before.URL}); err != nil {
		w.t.Fatal(err)
	}
}

// send publishes on a subject something that is no event of the story.
func (w *world) send(subject string) {
	w.t.Helper()
	if _, err := w.broker.JetStream.Publish(w.t.Context(), subject, []byte("1000")); err != nil {
		w.t.Fatal(err)
	}
}

// A backlog that reads the events of all names passes over what is no event, and goes on behind it: it is the live path that
// rejects that.
func TestABacklogPassesOverWhatIsNoEvent(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.pattern("*")
		last := len(w.stops) - 1
		w.stops[last]() // the live path stands
		w.stops = w.stops[:last]
		w.publish(1)
		w.send("events.demo.order:created")
		w.publish(1)
		w.send("events.demo.order:created")
		webhook, r := w.webhook(), backlog.New()
		r.State, r.Spans = backlog.CatchingUp, []backlog.Span{{ID: "r", From: 1, Cursor: 1}}
		f := newFeed(w.broker, webhook, &r, time.Now(), 0)
		var err error
		if f.interest, err = webhook.Interest(); err != nil {
			t.Fatal(err)
		}
		for f.read < 5 {
			if err := f.put(read(w.t.Context(), w.broker, f.subject, f.read, 1, f.known[len(f.known)-1])); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.queue) != 2 || f.queue[0].Seq != 1 || f.queue[1].Seq != 3 {
			t.Errorf("the span brings %+v", f.queue)
		}
		f.queue = nil
		if at := f.positions()[0]; at.Cursor != 5 || at.Anchor.Seq != 4 {
			t.Errorf("the span has come to %+v", at)
		}
		if rejected, err := w.broker.JetStream.Stream(w.t.Context(), "REJECTED"); err != nil || rejected.CachedInfo().State.LastSeq != 0 {
			t.Errorf("rejected: %+v, %v", rejected, err)
		}
	})
}

// woken says whether a backlog is woken within a time, and takes all wakes that come in it.
func (w *world) woken(within time.Duration) bool {
	w.t.Helper()
	wakes, err := w.broker.Wakes.Fetch(100, broker.Waiting(within)...)
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for m := range wakes.Messages() {
		if n++; m.DoubleAck(w.t.Context()) != nil {
			w.t.Fatal("a wake is not acknowledged")
		}
	}
	return n > 0
}

// Behind the cursor of an ordered webhook there are events that are not for it: they wake it in a second at the earliest, and what
// is for it at once.
func TestForeignEventsLetAnOrderedBacklogRest(t *testing.T) {
	inWorld(t, registry.Settings{Ordered: true}, nil, func(w *world) {
		w.pattern("opt*")
		w.publish(1)
		w.until("it is delivered from its backlog", func() bool {
			if _, there := w.record(); there {
				w.run()
			}
			return w.spanned() && w.counts()["1"] == 1
		})
		for w.woken(2 * time.Second) {
			w.run()
		}
		r := w.runner("rests")
		rest := func() {
			t.Helper()
			if err := r.rest(w.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 60 {
			w.send(event.Subject("demo", moved))
		}
		if rest(); w.woken(500 * time.Millisecond) {
			t.Error("what is not for it wakes it at once")
		}
		if !w.woken(2 * time.Second) {
			t.Error("what is not for it never has its cursor move on")
		}
		w.publish(1)
		for w.woken(2 * time.Second) { // by the live path
		}
		if rest(); !w.woken(500 * time.Millisecond) {
			t.Error("what is for it does not wake it at once")
		}
	})
}

// A new event tells of a failing endpoint though others, which are not for the webhook, came before it.
func TestANewEventBehindForeignOnes(t *testing.T) {
	inWorld(t, registry.Settings{}, patient, func(w *world) {
		w.pattern("opt*")
		first := w.poisoned()
		for range first + 5 {
			w.send(event.Subject("demo", moved))
		}
		began := time.Now()
		w.publish(1)
		w.until("the new event is taken", func() bool { return w.counts()["3"] == 1 })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
