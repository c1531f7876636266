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
	beside, err := b.besides(ctx, well)
	if err != nil {
		return err
	}
	got, err := b.besides(ctx, ill)
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T5", What: "throughput of 70 webhooks beside 30 that are ill, to 30 well", Target: 0.9, Least: true}, got.rate/beside.rate)
	b.report.add(Row{Name: "T5", What: "latency of these, p99, to that beside 30 well", Target: 1.25}, float64(got.p99)/float64(beside.p99))
	b.report.add(Row{Name: "T5", What: "latency, p99, beside 30 that are ill", Unit: "ms"}, millis(got.p99))
	b.report.add(Row{Name: "T5", What: "latency, p99, in the 10 s in which these fall ill", Unit: "ms"}, millis(got.onset))
	return nil
}

// service is what the healthy webhooks get: the throughput of a flood, and the latency at a rate, at first, when others
// fall ill, and later.
type service struct {
	rate       float64
	onset, p99 time.Duration
}

// besides measures what the healthy webhooks get.
func (b *Bench) besides(ctx context.Context, hooks []Hooks) (s service, err error) {
	const all, perSecond = healthy + 3*sick, 1000
	for i := range hooks {
		hooks[i].Accounts = all
	}
	node, address, err := b.start(ctx, hooks...)
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return s, err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return s, err
	}
	for _, phase := range []struct {
		events, rate int
		into         *time.Duration
	}{{b.size(100), perSecond, &s.onset}, {b.size(100), perSecond, &s.p99}, {b.size(1000), 0, nil}} {
		if _, err := ask[None](ctx, b.receiver, "Expect", Expected{healthy, phase.events}); err != nil {
			return s, err
		}
		if err := publishAt(ctx, address, Load{Accounts: all, Events: phase.events}, phase.rate); err != nil {
			return s, err
		}
		got, err := b.wait(ctx, healthy*phase.events)
		if err != nil {
			return s, err
		}
		if s.rate = got.rate(); phase.into != nil {
			*phase.into = got.P99
		}
	}
	return s, nil
}
