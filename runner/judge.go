package runner

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/registry"
)

// judge judges the webhook, whose future events are off the live path already.
func (r *runner) judge(ctx context.Context) error {
	if r.record.Judge != backlog.Paused {
		if err := r.vouch(ctx); err != nil {
			return err
		}
	}
	if r.record.Judge == "" {
		r.log.Info("the webhook is not judged: its endpoint takes other events")
		return r.update(ctx, func(*backlog.Record) {})
	}
	failing := []zap.Field{zap.Time("failing_since", r.record.Health.Since), zap.Int("attempts", r.record.Health.Attempts)}
	_, outage := r.Sender.Outage()
	switch r.record.Verdict(&r.Rules, outage) {
	case backlog.CarryOn:
	case backlog.Watch:
		r.log.Warn("the webhook would be deactivated, were --deactivate not observe", failing...)
	case backlog.BlameUs:
		r.log.Debug("the webhook is not deactivated: the network seems to be down on our side", failing...)
	case backlog.Deactivate:
		return r.deactivate(ctx)
	}
	return r.update(ctx, (*backlog.Record).Acquit)
}

// deactivate deactivates the webhook. Its record follows, and tells people.
func (r *runner) deactivate(ctx context.Context) error {
	now, reason := r.Broker.Now(), r.record.Reason()
	w, err := r.change(ctx, func(w *registry.Webhook) error {
		w.Active, w.Deactivated, w.Reason = false, now, reason
		return nil
	})
	if err != nil {
		return err
	}
	r.webhook = w
	fault.At(fault.Deactivated)
	r.log.Warn("the webhook is deactivated", zap.Object("record", &w), zap.String("reason", w.Reason))
	err = r.update(ctx, func(b *backlog.Record) { b.Deactivate(w.Deactivated, w.Reason) })
	r.feed = feed{} // an activation may move the cursor from here on
	return err
}

// probeTime bounds one try of a host; it is well within a lease.
const probeTime = 5 * time.Second

// tryHost tries the host of an inactive webhook. What came of it is written with the end of the pass.
func (r *runner) tryHost() {
	trying, cancel := context.WithTimeout(r.attempts, probeTime)
	tried := r.Prober.Probe(trying, r.target)
	cancel()
	if r.attempts.Err() != nil {
		return // cut by our own stop: it says nothing
	}
	now, draw := r.Broker.Now(), rand.Float64()
	probed := func(b *backlog.Record) { b.Probed(tried.Outcome == delivery.Delivered, now, &r.Rules, draw) }
	r.probes = append(r.probes, probed)
	probed(&r.record)
}
