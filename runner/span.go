package runner

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// A webhook's range (in its record, which look-ups read) and its backlog's span (in the backlog's record) are two halves of
// one thing. They are written one after the other, each in an order that loses nothing wherever a crash comes:
//
//	runner                 BACKLOGS           WEBHOOKS           live path
//	  │ handed out: H
//	  │ ── open span C ──────►│                  │                  │  attempts all; C = H + 1 + slack
//	  │ ── open range C ─────────────────────────►│                 │
//	  │                       │                  │ ── look-up ─────►│  passes over what is ≥ C
//	  │ catches up: reads R
//	  │ handed out: H, the stream's last time: T
//	  │ ── end range at E = max(R, H+1), as of T ─►│                │  attempts what is ≥ E, or later than T
//	  │ handed out: D. If D ≥ E, look-ups may have skipped what
//	  │ nobody covers: E = D + 1, as of then
//	  │ ── end range at E ────────────────────────►│                │
//	  │ ── close span at E ──►│                  │                  │
//	  │ works off what is left below E
//
// A crash between the first two writes leaves a span without a range, a crash between the last two an open span whose
// range has an end; see reconcile. Where the backlog's record went back before the last write, the span is owed; see owe.

// slack is how far ahead of the live path a span opens, so that what is handed out meanwhile is not sent twice.
const slack = 50

// openSpan takes future events off the live path. What is handed out before the range shows is attempted by the live path;
// the slack makes it rare that such an event lies in the range as well.
func (r *runner) openSpan(ctx context.Context) error {
	progress, err := r.Broker.Progress(ctx)
	if err != nil {
		return err
	}
	bounds, err := r.Broker.Bounds(ctx)
	if err != nil {
		return err
	}
	webhook, err := r.Registry.Get(ctx, r.key)
	if err != nil {
		return err
	}
	from := progress.HandedOut + 1 + slack
	for _, known := range webhook.Ranges {
		// An end beyond all that there is was one of a stream that went back.
		if known.To.Seq <= bounds.Next()+slack {
			from = max(from, known.To.Seq)
		}
	}
	anchor, err := below(ctx, r.Broker, from, bounds)
	if err != nil {
		return err
	}
	id := rand.Text()
	if err := r.update(ctx, func(b *backlog.Record) { b.Open(id, from, anchor) }); err != nil {
		return err
	}
	fault.At(fault.SpanWritten)
	span, _ := r.record.OpenSpan()
	if r.webhook, err = r.change(ctx, func(w *registry.Webhook) error {
		if _, there := w.RangeByID(span.ID); there {
			return nil
		}
		return w.OpenRange(span.ID, span.From, progress.AckFloor+1)
	}); err != nil {
		return err
	}
	fault.At(fault.RangeOpened)
	if r.feed.working() {
		r.feed.append(span)
	}
	return nil
}

// closeSpan gives the live path its events back: the range ends where the runner's reading or the live path is,
// whichever is further. What was handed out before the end showed in the index may have been skipped though it lies
// behind the end; so the end moves up over it, and the runner delivers up to there.
func (r *runner) closeSpan(ctx context.Context) error {
	span, open := r.record.OpenSpan()
	if !open {
		return nil
	}
	to, err := r.handedOut(ctx)
	if err != nil {
		return err
	}
	to.Seq = max(to.Seq, r.feed.read)
	if to, err = r.closeRange(ctx, span, to); err != nil {
		return err
	}
	come := r.feed.positions()
	err = r.update(ctx, func(b *backlog.Record) { b.Close(to) })
	switch {
	case errors.Is(err, errBack), errors.Is(err, errHeld), errors.Is(err, record.ErrNotFound):
		return errors.Join(err, r.owe(ctx, span, come[len(come)-1].Cursor, to))
	case err != nil:
		return err
	}
	fault.At(fault.SpanSettled)
	r.feed.close(to)
	return nil
}

// owe adds what is left of a span whose range has ended to the record, whoever has that by now: it went back, or was removed,
// and may know nothing of the span. One that does is left as it is: see reconcile.
func (r *runner) owe(ctx context.Context, span backlog.Span, from uint64, to event.End) error {
	if _, _, err := r.store.Upsert(ctx, r.key, func(b *backlog.Record) error {
		if known, open := b.OpenSpan(); open && known.ID == span.ID {
			return record.ErrUnchanged
		}
		return b.ReplayAgain(0, from, to)
	}); err != nil {
		return err
	}
	return r.Broker.Wake(ctx, r.key)
}

// handedOut is the end of what the live path was handed out, as of the stream's last event: asked in this order, no event
// before the end is later than that.
func (r *runner) handedOut(ctx context.Context) (event.End, error) {
	progress, err := r.Broker.Progress(ctx)
	if err != nil {
		return event.End{}, err
	}
	bounds, err := r.Broker.Bounds(ctx)
	return event.End{Seq: progress.HandedOut + 1, AsOf: bounds.Last.Time}, err
}

// closeRange ends the webhook's range and returns the verified end, which the range then has too.
func (r *runner) closeRange(ctx context.Context, span backlog.Span, to event.End) (event.End, error) {
	to.Seq = max(to.Seq, span.From)
	if err := r.endRange(ctx, span, to); err != nil {
		return to, err
	}
	fault.At(fault.RangeEnded)
	// From here on look-ups see the end. Whatever is handed out later than this answer is looked up later.
	end, err := r.handedOut(ctx)
	if err != nil || end.Seq <= to.Seq {
		return to, err
	}
	return end, r.endRange(ctx, span, end)
}

func (r *runner) endRange(ctx context.Context, span backlog.Span, to event.End) (err error) {
	r.webhook, err = r.change(ctx, func(w *registry.Webhook) error { return w.CloseRange(span.ID, to) })
	return err
}

// shown bounds how often it is waited for look-ups to show a change, some seconds each time.
const shown = 12

// change changes the webhook's record, and returns once look-ups show that. Where many thousand webhooks change at about the same
// time, this takes a while. To begin anew then would only add to it: the lease is renewed instead.
func (r *runner) change(ctx context.Context, change func(*registry.Webhook) error) (registry.Webhook, error) {
	w, err := r.Registry.Update(ctx, r.key, change)
	for range shown {
		if !errors.Is(err, registry.ErrUnindexed) {
			return w, err
		}
		if err := r.update(ctx, func(*backlog.Record) {}); err != nil {
			return w, err
		}
		if again := r.Registry.Shows(ctx); again == nil {
			return w, nil
		}
	}
	return w, err
}

// reconcile brings span and range into line, which a crash between two writes, or a loss of power that set back one of the
// two, left apart. Rather twice than not at all: an open range without its span gets one from where it begins, and a span
// without its range is worked off up to the end of the stream.
func (r *runner) reconcile(ctx context.Context) error {
	span, spanned := r.record.OpenSpan()
	known, open := r.webhook.Opened()
	if !spanned && !open || spanned && open && span.ID == known.ID {
		return nil
	}
	bounds, err := r.Broker.Bounds(ctx)
	if err != nil {
		return err
	}
	if open {
		anchor, err := below(ctx, r.Broker, known.From, bounds)
		if err != nil {
			return err
		}
		r.log.Warn("an open range without its span is worked off from where it begins")
		return r.update(ctx, func(b *backlog.Record) { b.Restore(known.ID, known.From, anchor) })
	}
	if ended, there := r.webhook.RangeByID(span.ID); there {
		to, err := r.closeRange(ctx, span, ended.To)
		if err != nil {
			return err
		}
		return r.update(ctx, func(b *backlog.Record) { b.Close(to) })
	}
	end := event.End{Seq: max(bounds.Next(), span.From), AsOf: bounds.Last.Time}
	return r.update(ctx, func(b *backlog.Record) { b.Orphan(end) })
}
