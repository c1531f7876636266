package replay

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

const (
	// A first read brings smallest events, since an endpoint that is down needs one to be probed with; each further read
	// of a pass brings four times as many, up to largest. It begins when half as many are left.
	smallest, largest = 16, 1024
)

// parcel is an event to be attempted.
type parcel struct {
	seq      uint64
	attempts int
	replay   bool
	// event is nil where only the sequence is known yet.
	event *event.Event
}

// batch is what one read of the stream brought for a span.
type batch struct {
	events []event.Event
	// short is true if the stream had little more to give.
	short bool
	err   error
}

// feed brings the outstanding events in the order in which they are to be attempted: what waits and is due, by
// sequence, then the spans, one after the other, read ahead. It also knows what is under way. It belongs to the
// runner's goroutine.
type feed struct {
	broker  *broker.Broker
	subject string
	// due are the waiting events, queue the ones read from the current span, both ascending.
	due, queue []parcel
	// held are the sequences that wait in the record: a span passes over them.
	held map[uint64]bool
	// spans are worked off in turn: current is the number of the one being read, read the next sequence to read of it.
	spans   []Span
	current int
	read    uint64
	// size is how many events the next read asks for.
	size int
	// reading is true while a read is under way; its batch comes over batches. head is true if the last read of an
	// open span came near the end of the stream: there it can be closed.
	reading, head bool
	batches       chan batch
	// ordered is true if nothing may pass an event that is not done with, and blocked if there is one that has to wait:
	// then nothing is read.
	ordered, blocked bool
	// flight holds what is under way, by sequence. Begun are the sequences begun from the earliest that is still under
	// way on, in that order.
	flight map[uint64]bool
	begun  []uint64
}

// newFeed makes the feed of a record at a time. Floor matters to an ordered one alone; see line.
func newFeed(b *broker.Broker, w registry.Webhook, record *Backlog, now time.Time, floor uint64) feed {
	f := feed{
		broker: b, subject: event.Subject(w.Account, w.Event),
		held: map[uint64]bool{}, flight: map[uint64]bool{}, size: smallest, batches: make(chan batch, 1),
		spans: slices.Clone(record.Spans),
	}
	for _, p := range record.Pending {
		f.held[p.Seq] = true
		f.due = append(f.due, parcel{seq: p.Seq, attempts: p.Attempts, replay: record.again(p.Seq)})
	}
	for _, r := range record.Retries {
		f.held[r.Seq] = true
		if !r.Next.After(now) {
			f.due = append(f.due, parcel{seq: r.Seq, attempts: r.Attempts, replay: record.again(r.Seq)})
		}
	}
	slices.SortFunc(f.due, func(a, b parcel) int { return cmp.Compare(a.seq, b.seq) })
	if len(f.spans) > 0 {
		f.read = f.spans[0].Next
	}
	if record.Ordered {
		f.line(record, now, floor)
		return f
	}
	if record.Streak >= streakFails && len(f.due) > 1 {
		// The endpoint rejects everything: one old event and a new one are enough to see whether it still does.
		f.due = f.due[:1]
	}
	return f
}

// next is the next event to attempt; false if there is none at the moment, or if too many later ones are done while an
// earlier one is still under way.
func (f *feed) next(ctx context.Context) (parcel, bool) {
	for len(f.begun) > 0 && !f.flight[f.begun[0]] {
		f.begun = f.begun[1:]
	}
	if len(f.begun) > ahead {
		return parcel{}, false
	}
	var p parcel
	switch {
	case len(f.due) > 0:
		p, f.due = f.due[0], f.due[1:]
	case len(f.queue) > 0:
		p, f.queue = f.queue[0], f.queue[1:]
	}
	f.fetch(ctx)
	if p.seq == 0 {
		return p, false
	}
	f.begun = append(f.begun, p.seq)
	f.flight[p.seq] = true
	return p, true
}

// fetch begins the next read where one is due.
func (f *feed) fetch(ctx context.Context) {
	if f.reading || f.head || f.blocked || len(f.queue) > f.size/2 || f.current == len(f.spans) {
		return
	}
	f.reading = true
	from, limit := f.read, f.size
	f.size = min(4*f.size, largest)
	// It may outlive the pass, and the runner's next feed is not to get what it brings: it knows nothing of this one.
	broker, subject, batches := f.broker, f.subject, f.batches
	go func() {
		events, err := broker.Read(ctx, subject, from, limit)
		size := 0
		for _, e := range events {
			size += len(e.Data)
		}
		batches <- batch{events: events, short: len(events) < limit/4 && size < event.MaxSize, err: err}
	}()
}

// put takes in what a read brought.
func (f *feed) put(b batch) error {
	f.reading = false
	if b.err != nil {
		return b.err
	}
	span := f.spans[f.current]
	for i, e := range b.events {
		if !span.Open() && e.Seq >= span.To {
			f.turn()
			return nil
		}
		f.read = e.Seq + 1
		// What is not JSON is on its way to REJECTED; what waits in the record is not to be sent from here too.
		if f.held[e.Seq] || event.Check(e.Data) != nil {
			continue
		}
		f.queue = append(f.queue, parcel{seq: e.Seq, event: &b.events[i], replay: span.Replay != 0})
	}
	if !span.Open() && (len(b.events) == 0 || f.read >= span.To) {
		f.turn()
		return nil
	}
	// In order, all is read to the very end.
	f.head = span.Open() && b.short && (!f.ordered || len(b.events) == 0)
	return nil
}

// turn goes on to the next span.
func (f *feed) turn() {
	f.current++
	if f.current < len(f.spans) {
		f.read = f.spans[f.current].Next
	}
}

// landed says that nothing of this event is under way any more.
func (f *feed) landed(seq uint64) { delete(f.flight, seq) }

func (f *feed) flying() int { return len(f.flight) }

// idle says whether nothing is under way and nothing waits to be.
func (f *feed) idle() bool { return len(f.flight) == 0 && len(f.due) == 0 && len(f.queue) == 0 }

// dry says whether there is nothing left to begin.
func (f *feed) dry() bool {
	return len(f.due) == 0 && len(f.queue) == 0 && !f.reading &&
		(f.current == len(f.spans) || f.blocked || f.ordered && f.head)
}

// atHead returns the open span if its reading came near the end of the stream.
func (f *feed) atHead() bool { return f.head && f.current < len(f.spans) }

// append adds a span that was opened meanwhile.
func (f *feed) append(s Span) {
	f.spans = append(f.spans, s)
	f.blocked = f.blocked || f.ordered // until the live path is past where it begins
	if f.current == len(f.spans)-1 {
		f.read, f.head = s.Next, false
	}
}

// close gives the open span that is being read its end.
func (f *feed) close(to uint64) {
	f.spans[f.current].To, f.head = to, false
	if f.read >= to {
		f.turn()
	}
}

// positions are the spans with the lowest sequence of each that is not done.
func (f *feed) positions() []Span {
	spans := slices.Clone(f.spans)
	for i := range spans {
		s := &spans[i]
		switch {
		case i < f.current:
			s.Next = s.To
		case i == f.current:
			s.Next = f.read
		}
		from := f.spans[i].Next
		for seq := range f.flight {
			if seq >= from && (s.Open() || seq < s.To) {
				s.Next = min(s.Next, seq)
			}
		}
		for _, p := range f.queue {
			if p.seq >= from {
				s.Next = min(s.Next, p.seq)
				break
			}
		}
	}
	return spans
}
