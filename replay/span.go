package replay

import (
	"context"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/registry"
)

// openSpan takes future events off the live path. The backlog's record is written first, so that no event is skipped
// that nobody will come for; what is handed out before the range shows is attempted by the live path, and the slack
// makes it rare that such an event lies in the range as well.
func (r *runner) openSpan(ctx context.Context) error {
	if _, open := r.record.open(); open {
		return r.update(ctx, func(b *Backlog) error { b.Want = false; return nil })
	}
	position, err := r.Broker.Progress(ctx)
	if err != nil {
		return err
	}
	from := position.HandedOut + 1 + slack
	webhook, err := r.Registry.Get(ctx, r.key)
	if err != nil {
		return err
	}
	for _, known := range webhook.Ranges {
		// Where a range begins is its name, and an empty one has one too.
		from = max(from, known.To.Seq, known.From+1)
	}
	span := Span{From: from, Next: from}
	if err := r.update(ctx, func(b *Backlog) error {
		if _, open := b.open(); !open {
			b.Spans = append(b.Spans, span)
		}
		b.Want = false
		return nil
	}); err != nil {
		return err
	}
	fault.At(fault.SpanWritten)
	if r.webhook, err = r.Registry.Update(ctx, r.key, func(w *registry.Webhook) error {
		if have, ok := w.RangeByID(registry.FormerRangeID(from)); ok && have.Open() {
			return nil
		}
		return w.OpenRange(registry.FormerRangeID(from), from, position.AckFloor+1)
	}); err != nil {
		return err
	}
	fault.At(fault.RangeOpened)
	r.feed.append(span)
	return nil
}

// closeSpan gives the live path its events back: the range ends where the runner's reading or the live path is,
// whichever is further. What was handed out before the end showed in the index may have been skipped though it lies
// behind the end; so the end moves up over it, and the runner delivers up to there.
func (r *runner) closeSpan(ctx context.Context) error {
	span, open := r.record.open()
	if !open {
		return nil
	}
	position, err := r.Broker.Progress(ctx)
	if err != nil {
		return err
	}
	to, err := r.closeRange(ctx, span, max(r.feed.read, position.HandedOut+1))
	if err != nil {
		return err
	}
	if err := r.settleSpan(ctx, to); err != nil {
		return err
	}
	fault.At(fault.SpanSettled)
	r.feed.close(to)
	return nil
}

// closeRange ends the webhook's range and returns the verified end, which the range then has too.
func (r *runner) closeRange(ctx context.Context, span Span, to uint64) (uint64, error) {
	to = max(to, span.From)
	if err := r.endRange(ctx, span, to); err != nil {
		return 0, err
	}
	fault.At(fault.RangeEnded)
	// From here on look-ups see the end. Whatever is handed out later than this answer is looked up later.
	position, err := r.Broker.Progress(ctx)
	if err != nil || position.HandedOut < to {
		return to, err
	}
	to = position.HandedOut + 1
	return to, r.endRange(ctx, span, to)
}

func (r *runner) endRange(ctx context.Context, span Span, to uint64) (err error) {
	r.webhook, err = r.Registry.Update(ctx, r.key, func(w *registry.Webhook) error {
		return w.CloseRange(registry.FormerRangeID(span.From), event.End{Seq: to})
	})
	return err
}

// settleSpan writes the verified end into the record: from here on the span only has to be worked off.
func (r *runner) settleSpan(ctx context.Context, to uint64) error {
	return r.update(ctx, func(b *Backlog) error {
		if n := len(b.Spans); n > 0 && b.Spans[n-1].Open() {
			b.Spans[n-1].To = to
		}
		return nil
	})
}

// reconcile finishes what a crash between two writes left: a span whose range was never opened is void, one whose
// range has an end already is closed again.
func (r *runner) reconcile(ctx context.Context) error {
	span, open := r.record.open()
	if !open {
		return nil
	}
	have, ok := r.webhook.RangeByID(registry.FormerRangeID(span.From))
	switch {
	case !ok:
		return r.update(ctx, func(b *Backlog) error {
			b.Spans = b.Spans[:len(b.Spans)-1]
			b.Want = true
			return nil
		})
	case have.Open():
		return nil
	}
	to, err := r.closeRange(ctx, span, have.To.Seq)
	if err != nil {
		return err
	}
	return r.settleSpan(ctx, to)
}
