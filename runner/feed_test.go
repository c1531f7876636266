package runner

import (
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// What the live path hands over while a span is worked off waits by itself, and the span passes over it though it was read
// before.
func TestASpanPassesOverWhatIsHandedOverMeanwhile(t *testing.T) {
	t.Parallel()
	at := func(seq uint64) event.Position { return event.Position{Seq: seq, Time: time.Unix(int64(seq), 0)} }
	record := backlog.New()
	record.State, record.Spans = backlog.CatchingUp, []backlog.Span{{ID: "r", From: 5, Cursor: 5}}
	f := newFeed(nil, registry.Webhook{}, &record, time.Now(), 0)
	f.reading = true
	read := batch{}
	for seq := uint64(5); seq < 9; seq++ {
		read.events = append(read.events, event.Event{Seq: seq, Time: at(seq).Time})
	}
	if err := f.put(read); err != nil {
		t.Fatal(err)
	}
	f.reading = true // nothing more is read
	record.Pending = backlog.Pending{{Position: at(6)}, {Position: event.Position{Seq: 7, Time: time.Unix(70, 0)}}}
	f.hold(&record)
	var begun []uint64
	for i, ok := f.next(t.Context()); ok; i, ok = f.next(t.Context()) {
		begun = append(begun, i.Seq)
	}
	// Another event than the one that waits has the sequence 7.
	if len(begun) != 3 || begun[0] != 5 || begun[1] != 7 || begun[2] != 8 {
		t.Errorf("the span brings %v", begun)
	}
	if come := f.positions()[0]; come.Cursor != 5 {
		t.Errorf("the span has come to %d, with 5 under way", come.Cursor)
	}
}

// What is read ahead is bounded in bytes: a backlog of large events does not fill the memory of the process.
func TestReadAheadIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	record := backlog.New()
	record.State, record.Spans = backlog.CatchingUp, []backlog.Span{{ID: "r", From: 1, Cursor: 1}}
	f := newFeed(nil, registry.Webhook{}, &record, time.Now(), 0)
	f.size = largest
	large := make([]byte, event.MaxSize)
	for reads := uint64(0); f.wants(); reads++ {
		if reads > queuedBytes/event.MaxSize {
			t.Fatalf("%d bytes are read ahead, and more are wanted", f.queued)
		}
		read := batch{}
		for seq := 1 + 4*reads; seq <= 4+4*reads; seq++ {
			read.events = append(read.events, event.Event{Seq: seq, Time: time.Unix(int64(seq), 0), Data: large})
		}
		if err := f.put(read); err != nil {
			t.Fatal(err)
		}
	}
	for f.queued > 0 {
		if f.unheld(); f.queued < queuedBytes && !f.wants() {
			t.Fatalf("with %d bytes left, no more are wanted", f.queued)
		}
	}
}
