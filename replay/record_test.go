package replay

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// A backlog's record that is read can be worked with and is written as what it was, or it is refused as newer or
// unreadable.
func FuzzBacklogRecord(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"pending":"AwE","retries":[{"seq":2,"attempts":1,"since":"2026-03-01T12:00:00Z","next":"2026-03-01T12:00:00Z"}],"spans":[{"next":1,"to":5},{"from":5,"next":6}]}`,
		`{"v":1,"retries":[{"seq":9},{"seq":3}]}`, `{"v":1,"spans":[{"next":3},{"next":9}]}`, `{"v":1,"spans":[{"next":9,"to":3}],"streak":-5}`,
		`{"v":1,"parked":true,"noticed":"9999-12-31T23:59:59-23:59","health":{"attempts":-9,"since":"0001-01-01T00:00:00Z"}}`,
		`{"v":1,"retries":[{"seq":1,"attempts":9223372036854775807}],"want":true,"gone":true,"lease":{"owner":"x","until":"2026-03-01T12:00:00Z"}}`,
		`{"v":1,"pending":"////////////AQ"}`, `{"v":2,"pending":17}`, `{}`, `null`, `{"v":1}`, ``,
	} {
		f.Add([]byte(seed), uint64(4))
	}
	f.Fuzz(func(t *testing.T, data []byte, seq uint64) {
		read := func(data []byte) Backlog {
			b, err := decode("demo.1", data)
			if err != nil {
				t.Fatalf("%q: %v", data, err)
			}
			return b
		}
		if _, err := decode("demo.1", data); err != nil {
			if !errors.Is(err, record.ErrNewer) && !errors.Is(err, record.ErrUnreadable) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		written, err := json.Marshal(read(data))
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		if twice, err := json.Marshal(read(written)); err != nil || string(twice) != string(written) {
			t.Errorf("%q was written as %q and then as %q, %v", data, written, twice, err)
		}
		seq = max(seq, 1)
		for what, change := range map[string]func(b *Backlog){
			"a failure":   func(b *Backlog) { b.cover(attempt(seq, delivery.Refused, noon), 1, policy) },
			"a rejection": func(b *Backlog) { b.cover(attempt(seq, delivery.Status, noon), 1, policy) },
			"a gone":      func(b *Backlog) { b.cover(attempt(seq, delivery.Gone, noon), 1, policy) },
			"a success":   func(b *Backlog) { (&changes{healthy: noon}).apply(b, policy); b.settle(seq) },
			"a replay": func(b *Backlog) {
				b.activate(registry.Activation{At: noon, Replay: true, Until: event.End{Seq: seq}, From: event.End{Seq: seq + 9}})
			},
			"no replay": func(b *Backlog) {
				b.activate(registry.Activation{At: noon.Add(time.Hour), Until: event.End{Seq: seq}, From: event.End{Seq: seq}})
			},
			"nothing at all": func(*Backlog) {},
		} {
			b := read(data)
			change(&b)
			b.wake()
			waiting := slices.Collect(b.waiting())
			if !slices.IsSorted(waiting) {
				t.Errorf("%q, after %s: %v wait", data, what, waiting)
			}
			if what == "a success" && slices.Contains(waiting, seq) {
				t.Errorf("%q: %d waits after its success", data, seq)
			}
			if lowest, ok := b.lowest(); ok && len(waiting) > 0 && lowest != waiting[0] {
				t.Errorf("%q, after %s: the lowest is %d", data, what, lowest)
			}
			written, err := json.Marshal(b)
			if err != nil {
				t.Fatalf("%q, after %s, cannot be written: %v", data, what, err)
			}
			read(written)
		}
	})
}
