package broker

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// The bytes of what is erased are nowhere on the disk: neither the event's nor those of the attempt log.
func TestErasedBytesAreGone(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop()}
	// What a closed broker leaves is on the disk.
	during := func(do func(b *Broker)) {
		t.Helper()
		b, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		do(b)
	}
	private, other := []byte("anna.private@example.org"), []byte("somebody.else@example.org")
	during(func(b *Broker) {
		for _, data := range [][]byte{private, other} {
			if _, err := event.Publish(t.Context(), b.JetStream, "demo", "optin_finalized", "", append(append([]byte(`"`), data...), '"')); err != nil {
				t.Fatal(err)
			}
			if err := b.LogAttempt("demo.1", append([]byte("answered "), data...)); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Attempts(t.Context(), "demo.1"); err != nil { // stores it
				t.Fatal(err)
			}
		}
	})
	if n := holding(t, o.Dir, private); n != 2 {
		t.Fatalf("%d files hold what is to be erased, want 2", n)
	}
	during(func(b *Broker) {
		e, err := b.Event(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.Erase(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
		if err := b.RewriteAttempts(t.Context(), "demo.1", func(r []byte) []byte { return bytes.ReplaceAll(r, private, []byte("x")) }); err != nil {
			t.Error(err)
		}
		log, err := b.Attempts(t.Context(), "demo.1")
		if err != nil || len(log) != 2 || string(log[0].Record) != "answered x" || !bytes.HasSuffix(log[1].Record, other) {
			t.Errorf("the log is %+v, %v", log, err)
		}
		for seq, want := range map[uint64]bool{1: true, 2: false} {
			if _, was, err := b.Erased(t.Context(), "demo", seq); err != nil || was != want {
				t.Errorf("event %d was erased: %v, %v", seq, was, err)
			}
		}
		for _, name := range []string{"", e.Name} {
			if seq, err := b.FindErased(t.Context(), "demo", name, e.ID); seq != 1 || err != nil {
				t.Errorf("by its id and the name %q: %d, %v", name, seq, err)
			}
		}
		if seq, err := b.FindErased(t.Context(), "demo", "optout_finalized", e.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("by its id and another name: %d, %v", seq, err)
		}
		older := &nats.Msg{Subject: erasedSubject("demo", 7), Header: nats.Header{idOfErased: {"older"}}}
		if _, err := b.JetStream.PublishMsg(t.Context(), older); err != nil {
			t.Error(err)
		}
		if seq, err := b.FindErased(t.Context(), "demo", e.Name, "older"); seq != 7 || err != nil {
			t.Errorf("by an older note: %d, %v", seq, err)
		}
	})
	if n := holding(t, o.Dir, private); n != 0 {
		t.Errorf("%d files hold what was erased", n)
	}
	if n := holding(t, o.Dir, other); n != 2 {
		t.Errorf("%d files hold what was not, want 2", n)
	}
}

// The bytes of what was rejected leave EVENTS for good, so that an erase need only look at REJECTED.
func TestRejectedBytesLeaveTheEvents(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop()}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	private := []byte("anna.private@example.org")
	for _, data := range [][]byte{[]byte("1"), private, []byte("3")} { // that of others stays, and the file with it
		if _, err := b.JetStream.Publish(t.Context(), "events.demo.optin_finalized", data); err != nil {
			t.Fatal(err)
		}
	}
	e, err := b.Event(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.RejectEvent(t.Context(), e, "it is not JSON"); err != nil {
			t.Fatal(err)
		}
	}
	for r, err := range b.Refusals(t.Context(), "demo", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if err := b.EraseRefused(t.Context(), "demo", r); err != nil {
			t.Fatal(err)
		}
	}
	b.Close() // what it leaves is on the disk
	if n := holding(t, o.Dir, private); n != 0 {
		t.Errorf("%d files hold what was erased", n)
	}
}

// Erasures at once of what one message of the attempt log holds bring back nothing of one another: neither those of one process,
// nor that of another process between the reading and the removal.
func TestErasuresAtOnce(t *testing.T) {
	t.Parallel()
	b, err := Open(t.Context(), Options{Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const key, records = "demo.1", 8
	name := func(i int) []byte { return []byte("answer " + strconv.Itoa(i)) }
	var all [][]byte
	for i := range records {
		all = append(all, name(i))
	}
	if _, err := b.JetStream.Publish(t.Context(), attemptsPrefix+key, append(bytes.Join(all, []byte("\n")), '\n')); err != nil {
		t.Fatal(err)
	}
	erasure := func(i int) func([]byte) []byte {
		return func(r []byte) []byte {
			if bytes.Equal(r, name(i)) {
				return []byte("erased")
			}
			return r
		}
	}
	var wg sync.WaitGroup
	for i := range records - 2 {
		wg.Go(func() {
			if err := b.RewriteAttempts(t.Context(), key, erasure(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var other sync.Once
	if err := b.RewriteAttempts(t.Context(), key, func(r []byte) []byte {
		other.Do(func() {
			if whole, err := b.rewriteOnce(t.Context(), key, erasure(records-1)); err != nil || !whole {
				t.Errorf("the other process: %v, %v", whole, err)
			}
		})
		return erasure(records - 2)(r)
	}); err != nil {
		t.Error(err)
	}
	log, err := b.Attempts(t.Context(), key)
	if err != nil || len(log) != records {
		t.Errorf("the log has %d records, %v, want %d", len(log), err, records)
	}
	for _, l := range log {
		if string(l.Record) != "erased" {
			t.Errorf("the log has %q", l.Record)
		}
	}
}

// holding is how many files below a directory hold some bytes.
func holding(t *testing.T, dir string, text []byte) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, text) {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKnowsAccount(t *testing.T) {
	t.Parallel()
	b, err := Open(t.Context(), Options{Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if known, err := b.KnowsAccount(t.Context(), "demo"); known || err != nil {
		t.Errorf("an account that there is not: %v, %v", known, err)
	}
	if _, err := b.Accounts.Put(t.Context(), "demo", []byte("{}"), 0); err != nil {
		t.Fatal(err)
	}
	if known, err := b.KnowsAccount(t.Context(), "demo"); !known || err != nil {
		t.Errorf("one that there is: %v, %v", known, err)
	}
}
