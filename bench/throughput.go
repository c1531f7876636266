package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stretches is in how many parts throughput is measured, by turns with the baseline: a machine that others share changes
// its speed within seconds.
const stretches = 5

// throughput measures how fast events that wait in the stream are delivered to one webhook, and what each costs.
func (b *Bench) throughput(ctx context.Context) error {
	events := b.size(200_000) / stretches
	var got, bare Received
	var spent, posted time.Duration
	for range stretches {
		loop, cost, err := b.baseline(ctx, events/2, func() error {
			drained, cost, err := b.drain(ctx, Load{Accounts: 1, Events: events}, 1, Hooks{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections})
			got, spent = got.and(drained), spent+cost
			return err
		})
		if err != nil {
			return err
		}
		bare, posted = bare.and(loop), posted+cost
	}
	each, cost := spent/time.Duration(got.Distinct), posted/time.Duration(bare.Distinct)
	b.report.add(Row{Name: "T1", What: "throughput to one webhook, to that of the bare loop", Target: 1.2, Least: true}, got.rate()/bare.rate())
	b.report.add(Row{Name: "T1", What: "deliveries a second", Unit: "/s"}, got.rate())
	b.report.add(Row{Name: "T1", What: "POSTs a second of the bare loop", Unit: "/s"}, bare.rate())
	b.report.add(Row{Name: "T2", What: "CPU a delivery, to a POST of the bare loop", Target: 1}, float64(each)/float64(cost))
	b.report.add(Row{Name: "T2", What: "CPU a delivery", Unit: "µs"}, micros(each))
	b.report.add(Row{Name: "T2", What: "CPU a POST of the bare loop", Unit: "µs"}, micros(cost))
	return nil
}

// fanOut measures how fast events that are for many webhooks each are delivered.
func (b *Bench) fanOut(ctx context.Context) error {
	const webhooks = 1000
	events := b.size(100)
	var got Received
	bare, _, err := b.baseline(ctx, webhooks*events/2, func() (err error) {
		got, _, err = b.drain(ctx, Load{Accounts: 1, Events: events}, webhooks, Hooks{Count: webhooks, Accounts: 1, URL: b.url(fast)})
		return err
	})
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T3", What: "deliveries of events for 1,000 webhooks, to the bare loop", Target: 1.2, Least: true}, got.rate()/bare.rate())
	return nil
}

// distance measures how fast events are delivered to endpoints that are far away, and so how many attempts wait at once.
func (b *Bench) distance(ctx context.Context) error {
	const webhooks = 8
	events := b.size(10_000)
	got, _, err := b.drain(ctx, Load{Accounts: 1, Events: events}, webhooks, Hooks{Count: webhooks, Accounts: 1, URL: b.url(late), MaxInFlight: connections})
	if err != nil {
		return err
	}
	allowed := webhooks * connections / lateBy.Seconds()
	b.report.add(Row{Name: "T11", What: "deliveries to endpoints 100 ms away, to what 64 in flight allow", Target: 0.9, Least: true}, got.rate()/allowed)
	return nil
}

// drain publishes a load, lets a node deliver it to a number of webhooks that are counted, and measures that, with the CPU of
// the node in all.
func (b *Bench) drain(ctx context.Context, l Load, webhooks int, hooks ...Hooks) (got Received, cost time.Duration, err error) {
	node, _, err := b.start(ctx, hooks...)
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return got, 0, err
	}
	return b.deliver(ctx, node, l, webhooks)
}

// deliver is drain on a node that does not run yet.
func (b *Bench) deliver(ctx context.Context, node *process, l Load, webhooks int) (got Received, cost time.Duration, err error) {
	events := l.Accounts * l.Events * webhooks / l.Accounts
	if _, err = ask[None](ctx, b.receiver, "Expect", Expected{webhooks, l.Events}); err != nil {
		return got, 0, err
	}
	if _, err = ask[None](ctx, node, "Publish", l); err != nil {
		return got, 0, err
	}
	before, err := ask[Usage](ctx, node, "Usage", None{})
	if err != nil {
		return got, 0, err
	}
	if _, err = ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return got, 0, err
	}
	if got, err = b.wait(ctx, events); err != nil {
		return got, 0, err
	}
	after, err := ask[Usage](ctx, node, "Usage", None{})
	if got.Total != got.Distinct {
		b.say("%d of %d deliveries came twice", got.Total-got.Distinct, got.Total)
	}
	return got, after.CPU - before.CPU, err
}

// latency measures the time from publishing to receiving under a light load.
func (b *Bench) latency(ctx context.Context) (err error) {
	const rate = 200
	events := b.size(10 * rate)
	node, address, err := b.start(ctx, Hooks{Count: 1, Accounts: 1, URL: b.url(fast)})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	// The first second makes connections and does not count.
	for _, l := range []Load{{Accounts: 1, Events: rate}, {Accounts: 1, Events: events}} {
		if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, l.Events}); err != nil {
			return err
		}
		if err := publishAt(ctx, address, l, rate); err != nil {
			return err
		}
		got, err := b.wait(ctx, l.Events)
		if err != nil {
			return err
		}
		if l.Events == rate && events != rate {
			continue
		}
		b.report.add(Row{Name: "T4", What: fmt.Sprintf("latency at %d events/s, median", rate), Unit: "ms", Target: 1}, millis(got.P50))
		b.report.add(Row{Name: "T4", What: fmt.Sprintf("latency at %d events/s, p99", rate), Unit: "ms", Target: 5}, millis(got.P99))
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
