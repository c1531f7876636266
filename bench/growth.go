package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/saumer/saumer/registry"
)

const (
	// lookups is how many look-ups after a change are measured.
	lookups = 100
	// sweepEach is how often backlogs are looked at for lost wakes, where that is measured, and sweeps how many such looks are.
	sweepEach, sweeps = 200 * time.Millisecond, 20
)

// grown is what a node with a number of webhooks takes.
type grown struct {
	webhooks                     int
	start, sweep, lookup, memory float64
	rate                         float64
}

// growth measures what more webhooks cost: all of one event, and so many that one of them has to be found among the others.
func (b *Bench) growth(ctx context.Context) error {
	var all []grown
	for _, webhooks := range []int{b.size(1000), b.size(10_000), b.size(100_000)} {
		g, err := b.grow(ctx, webhooks)
		if err != nil {
			return err
		}
		all = append(all, g)
	}
	for i, g := range all {
		with := fmt.Sprintf(" with %d webhooks of one event", g.webhooks)
		b.report.add(Row{Name: "growth", What: "start" + with, Unit: "s"}, g.start)
		b.report.add(Row{Name: "growth", What: "memory" + with, Unit: "MiB"}, g.memory)
		b.report.add(Row{Name: "growth", What: "CPU of a sweep, a tenth of them with a backlog," + with, Unit: "ms"}, g.sweep)
		b.report.add(Row{Name: "growth", What: "a look-up after a change of one," + with, Unit: "ms"}, g.lookup)
		b.report.add(Row{Name: "growth", What: "deliveries a second to another webhook" + with, Unit: "/s"}, g.rate)
		if i < len(all)-1 {
			continue // what a few take is noise
		}
		before, times := all[i-1], float64(g.webhooks)/float64(all[i-1].webhooks)
		worst := max(g.start/before.start, g.memory/before.memory, g.sweep/before.sweep, g.lookup/before.lookup, before.rate/g.rate)
		b.report.add(Row{Name: "growth", What: "the worst of these, to that with a tenth of them, to linear" + with, Target: 1}, worst/times)
	}
	return nil
}

// grow measures a node with a number of webhooks.
func (b *Bench) grow(ctx context.Context, webhooks int) (g grown, err error) {
	g.webhooks = webhooks
	node, _, err := b.startWith(ctx, NodeOptions{NATSURL: b.NATSURL, RedisURL: b.RedisURL, Sweep: sweepEach},
		Hooks{Count: webhooks, Accounts: 1, URL: b.url(other), Passed: true},
		Hooks{First: webhooks, Count: 1, Accounts: webhooks + 1, URL: b.url(fast), MaxInFlight: connections})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return g, err
	}
	if _, err := ask[None](ctx, node, "Fail", Failing{webhooks / 10, 1}); err != nil {
		return g, err
	}
	took, err := ask[time.Duration](ctx, node, "Run", None{})
	if err != nil {
		return g, err
	}
	g.start = took.Seconds()
	got, err := b.burst(ctx, node, Load{Accounts: 1, Events: b.size(100_000), First: webhooks})
	if err != nil {
		return g, err
	}
	g.rate = got.rate()
	if took, err = ask[time.Duration](ctx, node, "Look", lookups); err != nil {
		return g, err
	}
	g.lookup = millis(took)
	share, err := b.busy(ctx, node, sweeps*sweepEach)
	if err != nil {
		return g, err
	}
	g.sweep = share / 100 * millis(sweepEach)
	used, err := ask[Usage](ctx, node, "Usage", None{})
	g.memory = float64(used.Memory) / (1 << 20)
	return g, err
}

// Look changes one webhook of the first account a number of times, and says how long a look-up takes after that, on average.
func (n *Node) Look(times int, took *time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	webhooks, pair := n.app.Registry(), registry.Pair{Account: account(0), Event: eventName}
	if _, err := webhooks.Lookup(ctx, []registry.Pair{pair}); err != nil {
		return err
	}
	for range times {
		if _, err := webhooks.Update(ctx, registry.Key(account(0), 1), func(w *registry.Webhook) error { w.App += "."; return nil }); err != nil {
			return err
		}
		began := time.Now()
		if _, err := webhooks.Lookup(ctx, []registry.Pair{pair}); err != nil {
			return err
		}
		*took += time.Since(began) / time.Duration(times)
	}
	return nil
}
