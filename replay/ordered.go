package replay

import (
	"context"
	"slices"
	"time"

	"github.com/saumer/saumer/event"
)

// An ordered webhook is served from its backlog for good: its open span is never closed, one attempt is under way at a
// time, and nothing is attempted before all that is earlier is done with or given up. The live path attempts none of
// its events: it hands over those before the open range, and wakes the backlog for those in it.

// settling is how soon it is looked again whether the live path has handed over what it has.
const settling = 100 * time.Millisecond

// line learns, for an ordered webhook, up to where the live path has handed over all that it is to: what was
// acknowledged when that was asked is in the record that is read after it.
func (r *runner) line(ctx context.Context) error {
	ordered := r.webhook.Settings.Ordered
	if !ordered && !r.record.Ordered {
		return nil
	}
	position, err := r.Broker.Progress(ctx)
	if err != nil {
		return err
	}
	r.floor = position.AckFloor
	return r.update(ctx, func(b *Backlog) error { b.Ordered = ordered; return nil })
}

// line leaves in the feed what may be attempted in order, up to the first event that has to wait. Floor is up to where
// the live path has handed over all that it is to.
func (f *feed) line(record *Backlog, now time.Time, floor uint64) {
	f.ordered, f.due, f.held = true, nil, map[uint64]bool{}
	from := ^uint64(0)
	if open, ok := record.open(); ok {
		from = open.From
	}
	for seq := range record.waiting() {
		if slices.ContainsFunc(record.Spans, func(s Span) bool { return s.Next <= seq && (s.Open() || seq < s.To) }) {
			continue // the span brings it in its turn
		}
		f.held[seq] = true
		p := parcel{seq: seq}
		if i, found := record.retry(seq); found {
			p.attempts = record.Retries[i].Attempts
			f.blocked = f.blocked || record.Retries[i].Next.After(now)
		} else if i, found := record.Pending.find(seq); found {
			p.attempts = record.Pending[i].Attempts
		}
		if f.blocked = f.blocked || seq > floor && seq < from; !f.blocked {
			f.due = append(f.due, p)
		}
	}
	if open, ok := record.open(); ok && floor+1 < open.From && open.Next == open.From {
		f.blocked = true
	}
}

// rest sees to the next wake of an ordered backlog whose lease was given back. A wake that came to another process
// meanwhile was taken for one that is under way, so the stream is asked once more.
func (r *runner) rest(ctx context.Context, b *Backlog) error {
	at, never := b.wake()
	_, nothing := b.due()
	if open, ok := b.open(); nothing && ok && !b.Parked {
		events, err := r.Broker.Read(ctx, event.Subject(r.webhook.Account, r.webhook.Event), open.Next, 1)
		if err != nil {
			return err
		}
		if len(events) > 0 && (never || b.Next.Before(at)) {
			at, never = b.Next, false
		}
	}
	if never {
		return nil
	}
	if soon := r.Broker.Now().Add(settling); r.feed.blocked && at.Before(soon) {
		at = soon
	}
	return r.store.wakeAt(ctx, r.key, at)
}
