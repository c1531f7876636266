package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
)

const (
	// A first read brings smallest events, since an endpoint that is down needs one to be probed with; each further read
	// of a pass brings four times as many, up to largest. It begins when half as many are left.
	smallest, largest = 16, 1024
	// queuedBytes is how much of the process' memory the events may have that are read and not begun; the last read, of 4 MiB,
	// may go beyond it.
	queuedBytes = 4 << 20
)

// batch is what one read of the stream brought for a span.
type batch struct {
	events []event.Event
	// short is true if the stream had little more to give.
	short bool
	// back is set if the stream does not have the cursor's anchor any more: it went back, and nothing was read.
	back *back
	err  error
}

// back is where a cursor goes on in a stream that went back, and its new anchor there, zero for none.
type back struct {
	cursor uint64
	anchor event.Position
}

// wants says whether the next read is due.
func (f *feed) wants() bool {
	return !f.reading && !f.head && !f.waits() && len(f.queue) <= f.size/2 && f.queued < queuedBytes && f.current < len(f.spans)
}

// fetch begins the next read where one is due.
func (f *feed) fetch(ctx context.Context) {
	if !f.wants() {
		return
	}
	f.reading = true
	from, limit, anchor := f.read, f.size, f.known[len(f.known)-1]
	f.size = min(4*f.size, largest)
	// It may outlive the pass, and the runner's next feed is not to get what it brings: it knows nothing of this one.
	broker, subject, batches := f.broker, f.subject, f.batches
	go func() { batches <- read(ctx, broker, subject, from, limit, anchor) }()
}

// read reads the events of a subject from a cursor on. It begins with the cursor's anchor: if the stream does not have that
// any more, it went back. No events means that there are none at the moment, by the word of the stream's leader.
func read(ctx context.Context, b *broker.Broker, subject string, from uint64, limit int, anchor event.Position) batch {
	begin := from
	if anchor.Seq != 0 {
		begin = min(from, anchor.Seq)
	}
	events, err := b.Read(ctx, subject, begin, limit+1)
	if err != nil {
		return batch{err: err}
	}
	got, size := len(events), 0
	for _, e := range events {
		size += len(e.Data)
	}
	switch {
	case anchor.Seq == 0:
	case got > 0 && events[0].Position().Is(anchor):
		events = events[1:]
	default:
		if there, err := sound(ctx, b, anchor); err != nil {
			return batch{err: err}
		} else if !there {
			return goBack(ctx, b, anchor)
		}
	}
	for len(events) > 0 && events[0].Seq < from {
		events = events[1:]
	}
	if events, err = deliverable(ctx, b, events); err != nil {
		return batch{err: err}
	}
	if len(events) == 0 && got > 0 {
		// A replica that is behind has no say in what there is.
		e, err := b.Next(ctx, subject, from)
		if err == nil {
			events = []event.Event{e}
		} else if !errors.Is(err, broker.ErrNotFound) {
			return batch{err: err}
		}
	}
	return batch{events: events, short: got <= limit/4 && size < event.MaxSize}
}

// deliverable are the events that can be delivered. The live path, which passes over what a backlog is to read, leaves it to
// that to move the others out of the stream, but for what has no name and is no event: that it rejects, and the position stays here.
func deliverable(ctx context.Context, b *broker.Broker, events []event.Event) ([]event.Event, error) {
	var err error
	return slices.DeleteFunc(events, func(e event.Event) bool {
		if e.Name == "" {
			return false
		}
		why := event.Check(e.Data)
		if why != nil && err == nil {
			err = b.RejectEvent(ctx, e, why.Error())
		}
		return why != nil
	}), err
}

// sound says whether the stream has not gone back to before an event. One that the retention dropped, or that was removed by
// itself, proves nothing: what is later than it has a higher sequence then.
func sound(ctx context.Context, b *broker.Broker, anchor event.Position) (bool, error) {
	e, err := b.Event(ctx, anchor.Seq)
	if err == nil {
		return e.Position().Is(anchor), nil
	}
	if !errors.Is(err, broker.ErrNotFound) {
		return false, err
	}
	bounds, err := b.Bounds(ctx)
	if err != nil || anchor.Seq < bounds.First {
		return true, err
	}
	after, err := b.SequenceAt(ctx, anchor.Time.Add(time.Nanosecond), bounds.Next())
	return after > anchor.Seq, err
}

// goBack finds the first event later than an anchor that is not in the stream any more.
func goBack(ctx context.Context, b *broker.Broker, anchor event.Position) batch {
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return batch{err: err}
	}
	cursor, err := b.SequenceAt(ctx, anchor.Time.Add(time.Nanosecond), bounds.Next())
	if err != nil {
		return batch{err: err}
	}
	found, err := below(ctx, b, cursor, bounds)
	if err == nil && cursor <= anchor.Seq {
		err = b.Lost(ctx, broker.Loss{From: found.Time, To: anchor.Time, Events: anchor.Seq - cursor + 1})
	}
	return batch{back: &back{cursor, found}, err: err}
}

// lost tells of an event that waited and is not in the stream any more, if that is because the stream went back: it has another
// one under the sequence, as replaced says, or has not come to that yet.
func lost(ctx context.Context, b *broker.Broker, p event.Position, replaced bool) error {
	if p.Time.IsZero() {
		return nil // a record of an older form
	}
	bounds, err := b.Bounds(ctx)
	if err != nil || !replaced && p.Seq <= bounds.Last.Seq {
		return err
	}
	return b.Lost(ctx, broker.Loss{From: p.Time, To: p.Time, Events: 1})
}

// below is the newest event below a sequence that can be asked for, to be the anchor of a cursor; zero if there is none.
func below(ctx context.Context, b *broker.Broker, seq uint64, bounds broker.Bounds) (event.Position, error) {
	if seq > bounds.Last.Seq {
		return bounds.Last, nil
	}
	if seq <= max(bounds.First, 1) {
		return event.Position{}, nil
	}
	e, err := b.Event(ctx, seq-1)
	if errors.Is(err, broker.ErrNotFound) {
		return event.Position{}, nil
	}
	return e.Position(), err
}
