package runner

import (
	"context"
	"slices"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
)

// An ordered webhook is served from its backlog for good: its open span is never closed, one attempt is under way at a
// time, and nothing is attempted before all that is earlier is done with or exhausted. The live path attempts none of
// its events: it hands over those before the open range, and wakes the backlog for those in it.

// settling is how soon it is looked again whether the live path has handed over what it has.
const settling = 100 * time.Millisecond

// foreign is how soon the cursor moves on past events that are not for the webhook.
const foreign = time.Second

// order learns, for an ordered webhook, up to where the live path has handed over all that it is to: what was acknowledged
// when that was asked is in the record that is written, and so read, after it.
func (r *runner) order(ctx context.Context) error {
	ordered := r.webhook.Settings.Ordered
	if !ordered && !r.record.Ordered {
		return nil
	}
	progress, err := r.Broker.Progress(ctx)
	if err != nil {
		return err
	}
	r.floor = progress.AckFloor
	return r.update(ctx, func(b *backlog.Record) { b.Ordered = ordered })
}

// line leaves in the feed what may be attempted in order, up to the first event that has to wait. Floor is up to where
// the live path has handed over all that it is to.
func (f *feed) line(r *backlog.Record, now time.Time, floor uint64) {
	f.ordered, f.due, f.held = true, nil, map[uint64]event.Position{}
	from := ^uint64(0)
	open, spanned := r.OpenSpan()
	if spanned {
		from = open.From
	}
	for p := range r.Waiting() {
		if r.Spanned(p) {
			continue // the span brings it in its turn
		}
		i := item{Position: p, replay: r.WaitsForReplay(p)}
		if n, found := r.Retry(p); found {
			i.attempts = r.Retries[n].Attempts
			f.blocked = f.blocked || r.Retries[n].Next.After(now)
		} else {
			i.attempts = r.Attempts(p)
		}
		f.held[p.Seq] = p
		if f.blocked = f.blocked || p.Seq > floor && p.Seq < from; !f.blocked {
			f.due = append(f.due, i)
		}
	}
	if spanned && floor+1 < open.From && open.Cursor == open.From {
		f.early = true
	}
}

// rest sees to the next wake of an ordered backlog whose lease was given back. A wake that came to another process
// meanwhile was taken for one that is under way, so the stream is asked once more. What is not for the webhook wakes it in a while.
func (r *runner) rest(ctx context.Context) error {
	at, never := r.record.Wake()
	_, nothing := r.record.Due()
	if open, ok := r.record.OpenSpan(); nothing && ok && r.record.State != backlog.Parked {
		events, err := r.Broker.Read(ctx, event.Subject(r.webhook.Account, r.webhook.Event), open.Cursor, smallest)
		if err != nil {
			return err
		}
		next := r.record.NotBefore
		if later := r.Broker.Now().Add(foreign); next.Before(later) && !slices.ContainsFunc(events, r.takes) {
			next = later
		}
		if len(events) > 0 && (never || next.Before(at)) {
			at, never = next, false
		}
	}
	if never {
		return nil
	}
	if soon := r.Broker.Now().Add(settling); r.feed.waits() && at.Before(soon) {
		at = soon
	}
	return r.store.WakeAt(ctx, r.key, at)
}

// takes says whether an event is for the webhook.
func (r *runner) takes(e event.Event) bool { return !r.interest.LeavesOut(&e) }
