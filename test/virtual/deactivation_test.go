package virtual

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

const day = 24 * time.Hour

// deliverAndFail brings a webhook to its deactivation: events 0 to 9 are delivered, the receiver goes, and events 10
// to 19 come while the webhook fails. It returns the id.
func deliverAndFail(w *world) uint64 {
	w.t.Helper()
	id := w.create()
	w.publish(0, 10)
	w.pass(time.Second)
	w.got([2]int{0, 10})
	w.receiver.goes(true)
	w.publish(10, 20)
	w.pass(time.Second)
	if s := w.status(id); s.State != replay.Lagging || s.Lag != 10 {
		w.t.Errorf("after a second of failing: %+v", s)
	}
	w.pass(23 * time.Hour)
	if s := w.status(id); s.State != replay.Lagging || s.FailingSince.IsZero() || s.NextAttempt.IsZero() || s.Cursor == 0 {
		w.t.Errorf("after 23 hours of failing: %+v", s)
	}
	w.pass(90 * time.Minute)
	s := w.status(id)
	if s.State != replay.Inactive || s.Buffered != 10 {
		w.t.Fatalf("after a day of failing: %+v", s)
	}
	return id
}

func TestActivatedOnDayThreeWithReplay(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		tried := w.receiver.tried()
		for d := range 3 {
			w.publish(100+10*d, 110+10*d)
			w.pass(day)
		}
		// Its host is dialed now and then, after a minute at first and each hour in the end, to see whether it is there.
		if n := w.receiver.tried() - tried; n > 3*24+10 {
			t.Errorf("%d attempts while inactive", n)
		}
		if s := w.status(id); s.Buffered != 40 {
			t.Errorf("buffered %d, want 40", s.Buffered)
		}
		w.receiver.goes(false)
		if n := w.activate(id, true); n != 40 {
			t.Errorf("%d events are to be replayed, want 40", n)
		}
		w.pass(time.Second)
		w.publish(200, 210)
		w.pass(time.Minute)
		w.got([2]int{0, 20}, [2]int{100, 130}, [2]int{200, 210})
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 || s.Cursor != 0 || s.Buffered != 0 {
			t.Errorf("after the replay: %+v", s)
		}
	})
}

func TestActivatedOnDayEightWithReplay(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		for d := range 8 {
			w.publish(100+10*d, 110+10*d)
			w.pass(day)
		}
		// The first five days after the deactivation are kept: what came on days 0 to 4.
		if s := w.status(id); s.Buffered != 60 {
			t.Errorf("buffered %d, want 60", s.Buffered)
		}
		w.receiver.goes(false)
		if n := w.activate(id, true); n != 60 {
			t.Errorf("%d events are to be replayed, want 60", n)
		}
		w.pass(time.Second)
		w.publish(200, 210)
		w.pass(time.Minute)
		w.got([2]int{0, 20}, [2]int{100, 150}, [2]int{200, 210})
	})
}

func TestActivatedWithoutReplay(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.publish(100, 110)
		w.pass(3 * day)
		w.receiver.goes(false)
		if n := w.activate(id, false); n != 0 {
			t.Errorf("%d events are to be replayed, want none", n)
		}
		w.pass(time.Second)
		w.publish(200, 210)
		w.pass(time.Minute)
		w.got([2]int{0, 10}, [2]int{200, 210})
		if s := w.status(id); s.State != replay.Live {
			t.Errorf("after the activation: %+v", s)
		}
	})
}

func TestRetentionReached(t *testing.T) {
	alone(t, func(o *app.Options) { o.Retention = 6 * day }, func(w *world) {
		id := deliverAndFail(w)
		w.publish(100, 110)
		w.pass(4 * day)
		w.publish(110, 120)
		w.pass(3 * day) // events 10 to 19 and 100 to 109 are gone by now
		s := w.status(id)
		if s.Buffered != 10 || s.Gap == 0 {
			t.Errorf("after the retention began to drop: %+v", s)
		}
		w.receiver.goes(false)
		w.activate(id, true)
		w.pass(time.Minute)
		w.got([2]int{0, 10}, [2]int{110, 120})
	})
}

func TestObserveAndOffDeactivateNothing(t *testing.T) {
	for _, mode := range []backlog.Mode{backlog.Observe, backlog.Off} {
		t.Run(string(mode), func(t *testing.T) {
			inWorld(t, func(o *app.Options) { o.Deactivate = mode }, func(w *world) {
				id := w.create()
				w.receiver.goes(true)
				w.publish(0, 10)
				w.pass(2 * day)
				if s := w.status(id); s.State != replay.Lagging {
					t.Errorf("after two days of failing: %+v", s)
				}
				w.receiver.goes(false)
				w.pass(time.Hour)
				w.got([2]int{0, 10})
			})
		})
	}
}

// Whoever activates may be quicker than the runner, which then says of an active webhook that nothing is to be done.
func TestActivatedWhileItIsParked(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.activate(id, true)
		w.pass(time.Second) // the probe failed
		backlogs, key := w.app.Broker().Backlogs, registry.Key(account, id)
		entry, err := backlogs.Get(w.t.Context(), key)
		if err != nil {
			w.t.Fatal(err)
		}
		var record map[string]any
		if err := json.Unmarshal(entry.Value, &record); err != nil {
			w.t.Fatal(err)
		}
		record["state"], record["probe"] = backlog.Parked, backlog.Probe{Next: time.Now()}
		delete(record, "alarm")
		written, err := json.Marshal(record)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := backlogs.Put(w.t.Context(), key, written, entry.Revision); err != nil {
			w.t.Fatal(err)
		}
		w.receiver.goes(false)
		if err := w.app.Broker().Wake(w.t.Context(), key); err != nil {
			w.t.Fatal(err)
		}
		w.pass(day)
		w.got([2]int{0, 20})
		if _, err := backlogs.Get(w.t.Context(), key); !errors.Is(err, broker.ErrNoKey) {
			w.t.Errorf("a day later there is a record of a webhook that has nothing outstanding: %v", err)
		}
	})
}
