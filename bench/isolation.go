package bench

import (
	"context"
	"errors"
	"time"
)

// Endpoints of the isolation scenario, each for a webhook of its own account.
const (
	healthy = 70
	sick    = 10 // of each kind: refusing, hanging, slow
)

// isolation measures what 70 webhooks get while 30 others are dead, hanging or slow, and while these are well.
func (b *Bench) isolation(ctx context.Context) error {
	well := []Hooks{{Count: healthy, URL: b.url(fast)}, {First: healthy, Count: 3 * sick, URL: b.url(other)}}
	ill := []Hooks{
		{Count: healthy, URL: b.url(fast)},
		// Port 1 is nobody's.
		{First: healthy, Count: sick, URL: "http://127.0.0.1:1/"},
		{First: healthy + sick, Count: sick, URL: b.url(hang)},
		{First: healthy + 2*sick, Count: sick, URL: b.url(slow)},
	}
	wellRate, wellP99, err := b.besides(ctx, well)
	if err != nil {
		return err
	}
	illRate, illP99, err := b.besides(ctx, ill)
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T5", What: "throughput of 70 webhooks beside 30 that are ill, to 30 well", Target: 0.9, Least: true}, illRate/wellRate)
	b.report.add(Row{Name: "T5", What: "latency of these, p99, to that beside 30 well", Target: 1.25}, float64(illP99)/float64(wellP99))
	b.report.add(Row{Name: "T5", What: "latency, p99, beside 30 that are ill", Unit: "ms"}, millis(illP99))
	return nil
}

// besides measures what the healthy webhooks get: the latency at a rate, and the throughput of a flood.
func (b *Bench) besides(ctx context.Context, hooks []Hooks) (rate float64, p99 time.Duration, err error) {
	const all, perSecond = healthy + 3*sick, 1000
	for i := range hooks {
		hooks[i].Accounts = all
	}
	node, address, err := b.start(ctx, hooks...)
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return 0, 0, err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return 0, 0, err
	}
	var got Received
	for _, phase := range []struct{ events, rate int }{{b.size(100), perSecond}, {b.size(1000), 0}} {
		if _, err := ask[None](ctx, b.receiver, "Expect", Expected{healthy, phase.events}); err != nil {
			return 0, 0, err
		}
		if err := publishAt(ctx, address, Load{Accounts: all, Events: phase.events}, phase.rate); err != nil {
			return 0, 0, err
		}
		if got, err = b.wait(ctx, healthy*phase.events); err != nil {
			return 0, 0, err
		}
		if phase.rate > 0 {
			p99 = got.P99
		}
	}
	return got.rate(), p99, nil
}
