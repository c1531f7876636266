package bench

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Endpoints of the isolation scenario, each for a webhook of its own account.
const (
	healthy = 70
	sick    = 10 // of each kind: refusing, hanging, slow
	all     = healthy + 3*sick
	// perSecond is how many events are published where latency is measured, and steadies in how many stretches of ten seconds.
	perSecond, steadies = 1000, 5
)

// isolation measures what 70 webhooks get while 30 others are dead, hanging or slow, and while these are well.
func (b *Bench) isolation(ctx context.Context) (err error) {
	well := []Hooks{{Count: healthy, URL: b.url(fast)}, {First: healthy, Count: 3 * sick, URL: b.url(other)}}
	ill := []Hooks{
		{Count: healthy, URL: b.url(fast)},
		// Port 1 is nobody's.
		{First: healthy, Count: sick, URL: "http://127.0.0.1:1/"},
		{First: healthy + sick, Count: sick, URL: b.url(hang)},
		{First: healthy + 2*sick, Count: sick, URL: b.url(slow)},
	}
	var services [2]service
	for i, hooks := range [2][]Hooks{well, ill} {
		s := &services[i]
		err = s.open(ctx, b, hooks)
		defer func() { err = errors.Join(err, s.node.end()) }()
		if err != nil {
			return err
		}
	}
	// The machine may become faster or slower: both are measured in turn.
	for range steadies {
		for i := range services {
			got, err := services[i].get(ctx, b, b.size(100), perSecond)
			if err != nil {
				return err
			}
			services[i].steady = append(services[i].steady, got.P99)
		}
	}
	for i := range services {
		got, err := services[i].get(ctx, b, b.size(1000), 0)
		if err != nil {
			return err
		}
		services[i].rate = got.rate()
	}
	beside, got := &services[0], &services[1]
	b.report.add(Row{Name: "T5", What: "throughput of 70 webhooks beside 30 that are ill, to 30 well", Target: 0.9, Least: true}, got.rate/beside.rate)
	b.report.add(Row{Name: "T5", What: "latency of these, p99, to that beside 30 well", Target: 1.25}, float64(got.p99())/float64(beside.p99()))
	b.report.add(Row{Name: "T5", What: "latency, p99, beside 30 that are ill", Unit: "ms"}, millis(got.p99()))
	b.report.add(Row{Name: "T5", What: "latency, p99, in the 10 s in which these fall ill", Unit: "ms", Target: 10}, millis(got.onset))
	b.report.add(Row{Name: "T5", What: "the same, to that beside 30 well in their first 10 s", Target: 1.5}, float64(got.onset)/float64(beside.onset))
	return nil
}

// service is what the healthy webhooks of a node get: the latency at a rate, at first, when others fall ill, and then in
// some stretches of ten seconds; and the throughput of a flood.
type service struct {
	node    *process
	address string
	onset   time.Duration
	steady  []time.Duration
	rate    float64
}

// p99 is that of the stretch in the middle: a single one has a pause of the machine in it, or none.
func (s *service) p99() time.Duration {
	slices.Sort(s.steady)
	return s.steady[len(s.steady)/2]
}

// open starts a node, and goes on until its endpoints have fallen ill. End the node in any case.
func (s *service) open(ctx context.Context, b *Bench, hooks []Hooks) (err error) {
	for i := range hooks {
		hooks[i].Accounts = all
	}
	if s.node, s.address, err = b.start(ctx, hooks...); err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, s.node, "Run", None{}); err != nil {
		return err
	}
	got, err := s.get(ctx, b, b.size(100), perSecond)
	s.onset = got.P99
	return err
}

// get publishes a number of events for each webhook, as fast as it can if the rate is 0, and says what the healthy ones got.
func (s *service) get(ctx context.Context, b *Bench, events, rate int) (got Received, err error) {
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{healthy, events}); err != nil {
		return got, err
	}
	if err := publishAt(ctx, s.address, Load{Accounts: all, Events: events}, rate); err != nil {
		return got, err
	}
	return b.wait(ctx, healthy*events)
}
