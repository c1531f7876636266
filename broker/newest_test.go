package broker

import (
	"bytes"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// What is read of rejected messages holds the begins of their bodies only, and what one look back holds is bounded.
func TestReadingBackHoldsLittle(t *testing.T) {
	b, err := Open(t.Context(), Options{Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	body := bytes.Repeat([]byte("x"), 1<<20-1<<15)
	const messages = 96
	for i := range messages {
		at := event.Position{Seq: uint64(i + 1), Time: time.Unix(int64(i), 0)}
		if err := b.Reject(t.Context(), "events.demo.optin_finalized", nats.Header{}, body, at, "it is not JSON"); err != nil {
			t.Fatal(err)
		}
	}
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, seen := live(), 0
	for r, err := range b.Refusals(t.Context(), "demo", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Size != len(body) || len(r.Begin) != 200 || cap(r.Begin) > 1000 || r.Sequence != uint64(messages-seen) {
			t.Fatalf("message %d: size %d, begin %d of %d, sequence %d", seen, r.Size, len(r.Begin), cap(r.Begin), r.Sequence)
		}
		if seen == 0 {
			if held := live() - min(before, live()); held > messages<<20/2 {
				t.Errorf("%d bytes are held after the first of %d messages", held, messages)
			}
		}
		seen++
	}
	if seen != messages {
		t.Errorf("%d of %d were read", seen, messages)
	}
	// Records that hold their bodies: none is left out, none comes twice, and they come newest first.
	var places []uint64
	for s, err := range b.newest(t.Context(), streamRejected, rejectedPrefix+">", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if places = append(places, s.Seq); len(places) == 1 {
			if held := live() - min(before, live()); held > messages<<20/2 {
				t.Errorf("%d bytes are held after the first of %d records", held, messages)
			}
		}
	}
	slices.Reverse(places)
	if len(places) != messages || places[0] != 1 || places[messages-1] != messages || !slices.IsSorted(places) {
		t.Errorf("read are %v", places)
	}
}

// Many small records are read back as a whole, in order, also where what one look back may hold is less.
func TestReadingBackLeavesNothingOut(t *testing.T) {
	t.Parallel()
	p := part[string]{from: 1}
	for seq := uint64(1); seq <= heldAtMost/heldEach+10; seq++ {
		p.add(made[string]{strconv.FormatUint(seq, 10), seq, heldEach})
	}
	if p.from != 11 || p.made[0].made != "11" || p.held != heldAtMost || len(p.made) != heldAtMost/heldEach {
		t.Errorf("the part begins at %d with %+v and holds %d bytes in %d", p.from, p.made[0], p.held, len(p.made))
	}
	large := part[string]{from: 1}
	large.add(made[string]{"one", 1, 2 * heldAtMost})
	if large.from != 1 || len(large.made) != 1 {
		t.Errorf("one that is larger than what may be held is dropped: %+v", large)
	}
}
