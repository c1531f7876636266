package runner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// item is an event to be attempted.
type item struct {
	event.Position
	// number tells the items that are under way from one another.
	number   int
	attempts int
	replay   bool
	// witness is true if it was drawn from a span, before its turn, and more if others are there like it.
	witness, more bool
	// event is nil where only the position is known yet.
	event *event.Event
}

// feed brings the outstanding events in the order in which they are to be attempted: what waits and is due, by
// sequence, then the spans, one after the other, read ahead. It also knows what is under way. It belongs to the
// runner's goroutine.
type feed struct {
	broker  *broker.Broker
	subject string
	// interest says which events are for the webhook.
	interest registry.Interest
	// replays says which events are sent as a replay since an activation asked for that.
	replays func(event.Position) bool
	// due are the waiting events, queue the ones read from the current span, both ascending.
	due, queue []item
	// queued is how many bytes the events in queue have.
	queued int
	// held are the positions that wait in the record, by sequence: a span passes over them.
	held map[uint64]event.Position
	// spans are worked off in turn: current is the number of the one being read, read the next sequence to read of it, and
	// known are events of it below that, ascending: the first is its anchor.
	spans   []backlog.Span
	current int
	read    uint64
	known   []event.Position
	// size is how many events the next read asks for.
	size int
	// reading is true while a read is under way; its batch comes over batches. head is true if the last read of an
	// open span came near the end of the stream: there it can be closed.
	reading, head bool
	batches       chan batch
	// ordered is true if nothing may pass an event that is not done with, and blocked if there is one that has to wait:
	// then nothing is read.
	ordered, blocked bool
	// early is true if the live path is not past where the open span of an ordered webhook begins: then that is not read.
	early bool
	// only is true while nothing is to begin beside the first item, nor to be read.
	only bool
	// flight holds what is under way, by number, of which begun is the highest. Lowest is below all of them.
	flight        map[int]event.Position
	begun, lowest int
}

// newFeed makes the feed of a record at a time. Floor matters only to an ordered one; see line.
func newFeed(b *broker.Broker, w registry.Webhook, r *backlog.Record, now time.Time, floor uint64) feed {
	f := feed{
		broker: b, subject: event.Subject(w.Account, w.Event), replays: r.Replays,
		held: map[uint64]event.Position{}, flight: map[int]event.Position{}, size: smallest, batches: make(chan batch, 1),
		spans: slices.Clone(r.Spans),
	}
	for _, p := range r.Pending {
		if f.held[p.Seq] = p.Position; !r.Crowded(p) {
			f.wait(p.Position, p.Attempts, p.Replay)
		}
	}
	for _, x := range r.Retries {
		f.held[x.Seq] = x.Position
		if !x.Next.After(now) {
			f.wait(x.Position, x.Attempts, x.Replay)
		}
	}
	slices.SortFunc(f.due, func(a, b item) int { return cmp.Compare(a.Seq, b.Seq) })
	f.turn(0)
	if r.Ordered {
		f.line(r, now, floor)
	}
	for _, d := range r.Done {
		f.held[d.Seq] = d.Position
	}
	return f
}

func (f *feed) wait(p event.Position, attempts int, replay bool) {
	f.due = append(f.due, item{Position: p, attempts: attempts, replay: replay || f.replays(p)})
}

// next is the next event to attempt; false if there is none at the moment, or if too many later ones are done while an
// earlier one is still under way.
func (f *feed) next(ctx context.Context) (item, bool) {
	for f.lowest < f.begun {
		if _, under := f.flight[f.lowest+1]; under {
			break
		}
		f.lowest++
	}
	if f.begun-f.lowest > ahead || f.only && len(f.flight) > 0 {
		return item{}, false
	}
	var i item
	switch {
	case len(f.due) > 0:
		i, f.due = f.due[0], f.due[1:]
	default:
		i = f.unheld()
	}
	if !f.only {
		f.fetch(ctx)
	}
	if i.Seq == 0 {
		return i, false
	}
	f.begun++
	i.number = f.begun
	f.flight[i.number] = i.Position
	return i, true
}

// unheld takes the next event from the queue that does not wait by itself.
func (f *feed) unheld() item {
	for len(f.queue) > 0 {
		i := f.queue[0]
		f.queue = f.queue[1:]
		f.queued -= len(i.event.Data)
		if p, waits := f.held[i.Seq]; !waits || !p.Is(i.Position) {
			return i
		}
	}
	return item{}
}

// hold takes in what waits in the record by now: what the live path has handed over meanwhile is attempted in the next pass,
// though a span may have come to it. In order nothing is passed over.
func (f *feed) hold(r *backlog.Record) {
	if !f.working() || f.ordered {
		return
	}
	for p := range r.Waiting() {
		f.held[p.Seq] = p
	}
}

// put takes in what a read brought.
func (f *feed) put(b batch) error {
	f.reading = false
	if b.err != nil {
		return b.err
	}
	span := f.spans[f.current]
	if b.back != nil {
		f.read, f.known = max(b.back.cursor, span.From), []event.Position{b.back.anchor}
		f.spans[f.current].Cursor = min(span.Cursor, f.read)
		return nil
	}
	for i := range b.events {
		e := &b.events[i]
		if !span.To.Open() && e.Seq >= span.To.Seq {
			f.turn(f.current + 1)
			return nil
		}
		f.read = e.Seq + 1
		// What came after a span's end though it is below it is the live path's.
		if !e.Position().Before(span.To) {
			continue
		}
		f.known = append(f.known, e.Position())
		if !f.holds(e.Position()) && !f.interest.LeavesOut(e) {
			f.queue = append(f.queue, item{Position: e.Position(), event: e, replay: span.Replay != 0 || f.replays(e.Position())})
			f.queued += len(e.Data)
		}
	}
	if !span.To.Open() && (len(b.events) == 0 || f.read >= span.To.Seq) {
		f.turn(f.current + 1)
		return nil
	}
	// In order, all is read to the very end.
	f.head = span.To.Open() && b.short && (!f.ordered || len(b.events) == 0)
	return nil
}

// turn goes on to a span.
func (f *feed) turn(to int) {
	f.current, f.known = to, nil
	if to < len(f.spans) {
		f.read, f.known = f.spans[to].Cursor, []event.Position{f.spans[to].Anchor}
	}
}

// waits says whether nothing is to be read at the moment.
func (f *feed) waits() bool { return f.blocked || f.early && f.current >= len(f.spans)-1 }

// working says whether it is the feed of a record that is being worked off.
func (f *feed) working() bool { return f.batches != nil }

// landed says that an item is not under way any more.
func (f *feed) landed(number int) {
	delete(f.flight, number)
	f.only = false
}

func (f *feed) flying() int { return len(f.flight) }

// idle says whether nothing is under way and nothing waits to be.
func (f *feed) idle() bool { return len(f.flight) == 0 && len(f.due) == 0 && len(f.queue) == 0 }

// dry says whether there is nothing left to begin.
func (f *feed) dry() bool {
	return len(f.due) == 0 && len(f.queue) == 0 && !f.reading &&
		(f.current == len(f.spans) || f.waits() || f.ordered && f.head)
}

// atHead says whether the reading of the open span came near the end of the stream.
func (f *feed) atHead() bool { return f.head && f.current < len(f.spans) }

// append adds a span that was opened meanwhile.
func (f *feed) append(s backlog.Span) {
	f.spans = append(f.spans, s)
	f.early = f.ordered
	if f.current == len(f.spans)-1 {
		f.turn(f.current)
		f.head = false
	}
}

// close gives the open span that is being read its end.
func (f *feed) close(to event.End) {
	f.spans[f.current].To, f.head = to, false
	if f.read >= to.Seq {
		f.turn(f.current + 1)
	}
}

// positions are the spans, each with the lowest sequence that is not done with and the newest known event below it.
func (f *feed) positions() []backlog.Span {
	spans := slices.Clone(f.spans)
	for i := range spans {
		s := &spans[i]
		switch {
		case i < f.current:
			s.Cursor = s.To.Seq
		case i == f.current:
			s.Cursor = f.read
		}
		from := f.spans[i].Cursor
		for _, p := range f.flight {
			if p.Seq >= from && p.Before(s.To) {
				s.Cursor = min(s.Cursor, p.Seq)
			}
		}
		for _, q := range f.queue {
			if q.Seq >= from && q.Before(s.To) {
				s.Cursor = min(s.Cursor, q.Seq)
				break
			}
		}
		if i == f.current {
			s.Anchor = f.anchor(s.Cursor)
		}
	}
	return spans
}

// anchor is the newest event of the current span that is known below a cursor, zero for none. What is older is forgotten.
func (f *feed) anchor(cursor uint64) event.Position {
	for len(f.known) > 1 && f.known[1].Seq < cursor {
		f.known = f.known[1:]
	}
	if len(f.known) == 0 || f.known[0].Seq >= cursor {
		return event.Position{}
	}
	return f.known[0]
}
