package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// quietRate is how many events a second the quiet account has, and busyRate how many the busy one beside it.
	quietRate, busyRate = 20, 20_000
	// tenantHooks is how many webhooks a tenant has that hang.
	tenantHooks = 100
	// longestIn is the longest time for which a hanging endpoint is waited for.
	longestIn = time.Minute
)

// neighbours measures what a quiet account gets beside a busy one whose webhook is healthy, and beside a tenant whose
// webhooks hang.
func (b *Bench) neighbours(ctx context.Context) error {
	seconds := 20
	if b.Quick {
		seconds = 10
	}
	busy := Hooks{Count: 1, URL: b.url(other)}
	return errors.Join(
		b.beside(ctx, "T12", fmt.Sprintf("a burst of %d for another's webhook", b.size(500_000)), seconds, 0, Load{Events: b.size(500_000)}, busy),
		b.beside(ctx, "T12", fmt.Sprintf("%d/s for another's webhook", busyRate), seconds, busyRate, Load{Events: seconds * busyRate}, busy),
		b.beside(ctx, "T13", fmt.Sprintf("a tenant of %d webhooks that hang", tenantHooks), seconds, 0, Load{Events: b.size(20_000)},
			Hooks{Count: tenantHooks, URL: b.url(hang), MaxInFlight: 10_000}),
	)
}

// beside measures the latency of a quiet account for some seconds, and then once more while a load is published for another
// account: as fast as it goes if the rate is 0.
func (b *Bench) beside(ctx context.Context, name, what string, seconds, rate int, l Load, others Hooks) (err error) {
	others.Accounts, l.Accounts = 1, 1
	quiet := Load{Accounts: 1, First: others.Count, Events: seconds * quietRate}
	node, address, err := b.startWith(ctx, NodeOptions{NATSURL: b.NATSURL, RedisURL: b.RedisURL, Timeout: longestIn},
		others, Hooks{First: others.Count, Count: 1, Accounts: others.Count + 1, URL: b.url(fast)})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	var p99 [2]time.Duration
	for i := range p99 {
		if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, quiet.Events}); err != nil {
			return err
		}
		var publishers errgroup.Group
		if i > 0 {
			publishers.Go(func() error { return publishAt(ctx, address, l, rate) })
		}
		publishers.Go(func() error { return publishAt(ctx, address, quiet, quietRate) })
		if err := publishers.Wait(); err != nil {
			return err
		}
		got, err := b.wait(ctx, quiet.Events)
		if err != nil {
			return err
		}
		p99[i] = got.P99
	}
	b.report.add(Row{Name: name, What: "latency of a quiet account, p99, beside " + what, Unit: "ms", Target: 50}, millis(p99[1]))
	b.report.add(Row{Name: name, What: "the same, to that of the account alone, beside " + what, Target: 10}, float64(p99[1])/float64(p99[0]))
	return nil
}
