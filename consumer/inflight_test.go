package consumer

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

func openInflight() *inflight {
	return newInflight(&sync.Mutex{}, &pace{}, 30*time.Second, zap.NewNop())
}

// handed is an event that NATS handed out now; published tells those of one sequence apart.
func handed(seq uint64, published int64) *inflightEvent {
	return &inflightEvent{event: event.Event{Seq: seq, Time: time.Unix(published, 0)}, since: time.Now()}
}

// An event is in flight once, however often NATS hands it out, and is remembered when it is done.
func TestAnEventIsAdmittedOnce(t *testing.T) {
	t.Parallel()
	f := openInflight()
	first := handed(7, 1)
	if got := f.admitLocked(first); got != admitted {
		t.Errorf("a new event is %v", got)
	}
	if got := f.admitLocked(handed(7, 1)); got != known {
		t.Errorf("an event in flight is %v", got)
	}
	first.undone++ // in one lane
	if f.doneLocked(first, true) || f.empty() {
		t.Error("an event is done before its last delivery")
	}
	if !f.doneLocked(first, true) || !f.empty() {
		t.Error("an event is not done after its last delivery")
	}
	if got := f.admitLocked(handed(7, 1)); got != wasDone {
		t.Errorf("an event that is done is %v", got)
	}
	if got := f.admitLocked(handed(7+remembered, 1)); got != admitted {
		t.Errorf("a new event at the same remainder is %v", got)
	}
	if got := f.admitLocked(handed(6, 1)); got != admittedAnew {
		t.Errorf("an event under an earlier sequence is %v", got)
	}
}

// What is not known to be delivered or handed over for good comes again.
func TestWhatIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ok, again, skipped bool
		acked              bool
		next               admission
	}{
		"delivered":                                {true, false, false, true, wasDone},
		"delivered, and handed out once more":      {true, true, false, true, wasDone},
		"skipped in an open range":                 {true, false, true, true, admittedAnew},
		"skipped, and handed out once more":        {true, true, true, false, admittedAnew},
		"neither delivered nor handed over":        {false, false, false, false, admittedAnew},
		"the same, and handed out once more":       {false, true, false, false, admittedAnew},
		"one failed, and another webhook skips it": {false, false, true, false, admittedAnew},
	} {
		f := openInflight()
		e := handed(7, 1)
		f.admitLocked(e)
		if c.again {
			f.admitLocked(handed(7, 1))
		}
		e.skipped = c.skipped
		if got := f.doneLocked(e, c.ok); got != c.acked {
			t.Errorf("%s: acknowledged: %v", name, got)
		}
		if got := f.admitLocked(handed(7, 1)); got != c.next {
			t.Errorf("%s: handed out later it is %v", name, got)
		}
	}
}

// After the stream went back, an event takes the place of the one that had its sequence before.
func TestAnotherEventUnderASequence(t *testing.T) {
	t.Parallel()
	f := openInflight()
	older, newer := handed(7, 1), handed(7, 2)
	f.admitLocked(older)
	if got := f.admitLocked(newer); got != admittedAnew {
		t.Errorf("another event under a sequence in flight is %v", got)
	}
	if f.doneLocked(older, true) || f.count() != 1 {
		t.Error("the event before is acknowledged, or took the other out of flight")
	}
	if !f.doneLocked(newer, true) || f.count() != 0 {
		t.Error("the other event is not acknowledged")
	}
	if got := f.admitLocked(handed(7, 3)); got != admittedAnew {
		t.Errorf("another event under a sequence that is done is %v", got)
	}
	f.displaceLocked(event.Position{Seq: 7, Time: time.Unix(3, 0)})
	if f.count() != 1 {
		t.Error("an event was displaced by itself")
	}
	f.displaceLocked(event.Position{Seq: 7, Time: time.Unix(4, 0)})
	if f.count() != 0 {
		t.Error("an event was not displaced by another")
	}
}

// NATS is told of what it has not heard of for long, until it is too late to be.
func TestWhatIsDue(t *testing.T) {
	t.Parallel()
	f := openInflight()
	now := time.Now()
	for seq, age := range map[uint64]time.Duration{1: 0, 2: 6 * time.Second, 3: 29 * time.Second} {
		e := handed(seq, 1)
		e.since = now.Add(-age)
		f.admitLocked(e)
	}
	due := f.due(now, 5*time.Second)
	if len(due) != 1 || due[0].event.Seq != 2 {
		t.Fatalf("%d events are due", len(due))
	}
	if len(f.due(now, 5*time.Second)) != 0 {
		t.Error("an event that was reported is due again")
	}
	if !f.lapsed(f.events[3]) || f.lapsed(f.events[2]) {
		t.Error("an event lapses with its ack wait, unless it was reported")
	}
}

// A fetch asks for no more than there is room for, in events and in bytes.
func TestRoom(t *testing.T) {
	t.Parallel()
	signalled := func(f *inflight) bool {
		select {
		case <-f.freed:
			return true
		default:
			return false
		}
	}
	f := openInflight()
	for seq := range uint64(window - 1) {
		f.admitLocked(handed(seq+1, 1))
	}
	if events, bytes := f.room(t.Context()); events != 1 || bytes != fetchBytes {
		t.Errorf("there is room for %d events of %d bytes beside %d small ones", events, bytes, window-1)
	}
	for seq := range uint64(fetchSize) {
		f.remove(f.events[seq+1])
	}
	if events, bytes := f.room(t.Context()); events != fetchSize || bytes != fetchBytes {
		t.Errorf("there is room for %d events of %d bytes, want a whole fetch", events, bytes)
	}
	if !signalled(f) {
		t.Error("room for a whole fetch was not signalled")
	}
	f = openInflight()
	const large = 1 << 20
	for seq := range uint64(windowBytes/large - 3) {
		e := handed(seq+1, 1)
		e.size = large
		f.admitLocked(e)
	}
	if events, bytes := f.room(t.Context()); events != fetchSize || bytes != 3*large {
		t.Errorf("there is room for %d events of %d bytes beside %d bytes", events, bytes, f.held)
	}
	another := handed(1000, 1)
	another.size = 3 * large
	f.admitLocked(another)
	full, cancel := context.WithTimeout(t.Context(), 4*linger)
	defer cancel()
	if events, _ := f.room(full); events != 0 || f.held != windowBytes {
		t.Errorf("there is room for %d events beside %d bytes", events, f.held)
	}
	// Another event under its sequence takes its place.
	f.admitLocked(handed(1000, 2))
	for seq := range uint64(5) {
		f.remove(f.events[seq+1])
	}
	if events, bytes := f.room(t.Context()); f.held != windowBytes-fetchBytes || events != fetchSize || bytes != fetchBytes {
		t.Errorf("there is room for %d events of %d bytes beside %d bytes", events, bytes, f.held)
	}
	if !signalled(f) {
		t.Error("room for the bytes of a whole fetch was not signalled")
	}
}
