package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// afterLoss is how long to wait before what a loss asks for is tried again.
var afterLoss = lifetime.Waits{First: time.Second, Longest: 10 * time.Second}

// losses sees to the ranges after each loss of what NATS had stored, until the context ends. One that another process found
// and did not see to is seen to at the start.
func (w *Worker) losses(ctx context.Context) {
	for {
		if err := lifetime.Retry(ctx, afterLoss, func() error { return w.seeTo(ctx) }, func(err error) {
			w.options.Log.Warn("ranges were not seen to after NATS lost what it had stored", zap.Error(err))
		}); err != nil {
			return // the context ended
		}
		select {
		case <-ctx.Done():
			return
		case <-w.options.Broker.SetBack():
		}
	}
}

// seeTo brings backlogs and ranges into line after a loss that nobody has seen to: it wakes every backlog, and each webhook
// with an open range that has no span. The live path went back, but it passes over what lies in a range again, also in one
// that has ended. The span of such a range may be forgotten, and is made anew.
func (w *Worker) seeTo(ctx context.Context) error {
	loss, err := w.options.Broker.Setback(ctx)
	if err != nil || !loss.Open() {
		return err
	}
	if err := (&sweeper{Worker: w}).sweep(ctx); err != nil {
		return err
	}
	if err := w.options.Registry.Walk(ctx, func(webhook registry.Webhook) error { return w.owe(ctx, webhook, loss) }); err != nil {
		return err
	}
	return w.options.Broker.SeenTo(ctx, loss)
}

// owe has a webhook's backlog work off the ranges that have ended and whose spans may be forgotten with a loss, and what it had
// waiting in a bucket that lost all, as far as the attempt log knows of it.
func (w *Worker) owe(ctx context.Context, webhook registry.Webhook, loss broker.Setback) error {
	owed, untaken := endedSince(webhook.Ranges, loss), []delivery.Untaken(nil)
	if loss.Anew {
		var err error
		if untaken, err = w.options.Sender.Untaken(ctx, webhook.Key()); err != nil {
			return fmt.Errorf("ask what the backlog of %s may have forgotten: %w", webhook.Key(), err)
		}
		// What the live path hands out again waits for that.
		untaken = slices.DeleteFunc(untaken, func(u delivery.Untaken) bool { return u.Last.Seq >= loss.From || !u.Last.At.Before(loss.At) })
	}
	if len(owed) == 0 && len(untaken) == 0 {
		return nil
	}
	_, _, err := w.store.Upsert(ctx, webhook.Key(), func(b *backlog.Record) error {
		span, open := b.OpenSpan()
		for _, r := range owed {
			if open && span.ID == r.ID {
				continue // a runner brings the two into line
			}
			if err := b.Owe(max(r.From, loss.From), r.To, webhook.Activation); err != nil {
				return err
			}
		}
		for _, u := range untaken {
			b.Recall(u, webhook.Activation, &w.options.Rules)
		}
		return nil
	})
	if errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
		w.options.Log.Error("a backlog is left as it is", zap.String("webhook", webhook.Key()), zap.Error(err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("have the backlog of %s work off what it may have forgotten: %w", webhook.Key(), err)
	}
	return w.options.Broker.Wake(ctx, webhook.Key())
}

// endedSince are the ranges whose spans a loss may have had forgotten. One that began before what the live path hands out
// again has a span that is known, or was worked off, unless the bucket of the backlogs lost all. What was published before a
// webhook is not for it.
func endedSince(ranges []registry.Range, loss broker.Setback) (ended []registry.Range) {
	for _, r := range ranges {
		if r.Open() || r.ID == registry.RangeBefore || r.To.Seq <= loss.From {
			continue
		}
		if r.From >= loss.From || loss.Anew {
			ended = append(ended, r)
		}
	}
	return ended
}
