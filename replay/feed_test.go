package replay

import (
	"testing"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// BenchmarkFeed is what the feed does for an event of a span: 64 are under way, and end in another order than they began.
func BenchmarkFeed(b *testing.B) {
	const flying = 64
	record := Backlog{Spans: []Span{{From: 1, Next: 1}}}
	f := newFeed(nil, registry.Webhook{}, &record, noon, 0)
	f.reading = true // nothing is read: the events are put in here
	seq := uint64(0)
	under := make([]uint64, 0, flying)
	b.ReportAllocs()
	for b.Loop() {
		if len(f.queue) == 0 {
			events := make([]event.Event, largest)
			for i := range events {
				seq++
				events[i] = event.Event{Seq: seq, Data: []byte("{}")}
			}
			if err := f.put(batch{events: events}); err != nil {
				b.Fatal(err)
			}
			f.reading = true
		}
		p, ok := f.next(b.Context())
		if !ok {
			b.Fatal("nothing to attempt")
		}
		if under = append(under, p.seq); len(under) == flying {
			for i := range under {
				f.landed(under[flying-1-i])
			}
			under = under[:0]
		}
	}
}
