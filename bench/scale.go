package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Failing gives the first of many webhooks a backlog each: an event that waits for an endpoint which failed lately.
type Failing struct{ Count, Accounts int }

// Fail writes backlogs, before the node runs.
func (n *Node) Fail(f Failing, _ *None) error {
	js, err := newPublisher(n.app.Broker().JetStream.Conn())
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for i := range f.Count {
		key := registry.Key(account(i%f.Accounts), uint64(i)+1)
		r := backlog.New()
		r.Pending = backlog.Pending{{Position: event.Position{Seq: 1, Time: now}, Attempts: 3}}
		r.NotBefore, r.Health = now.Add(time.Hour), backlog.Health{Attempts: 3, Since: now, Last: "the connection was refused"}
		record, err := r.Encode()
		if err != nil {
			return fmt.Errorf("write the backlog %s: %w", key, err)
		}
		if _, err := js.PublishAsync(n.app.Broker().Backlogs.Subject(key), record, jetstream.WithStallWait(patience)); err != nil {
			return fmt.Errorf("write the backlog %s: %w", key, err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-time.After(patience):
		return errors.New("write backlogs: NATS does not answer")
	}
}

// many measures a start with many webhooks, and what they cost one that is busy: two nodes, one with them and one
// without, get their events in turn.
func (b *Bench) many(ctx context.Context) (err error) {
	many, accounts := b.size(100_000), b.size(1000)
	alone, _, err := b.start(ctx, Hooks{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections})
	defer func() { err = errors.Join(err, alone.end()) }()
	if err != nil {
		return err
	}
	among, _, err := b.start(ctx, Hooks{Count: many, Accounts: accounts, URL: "http://127.0.0.1:1/"},
		Hooks{First: many, Count: 1, Accounts: many + 1, URL: b.url(fast), MaxInFlight: connections})
	defer func() { err = errors.Join(err, among.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[None](ctx, among, "Fail", Failing{many / 10, accounts}); err != nil {
		return err
	}
	took, err := ask[time.Duration](ctx, among, "Run", None{})
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, alone, "Run", None{}); err != nil {
		return err
	}
	l := Load{Accounts: 1, Events: b.size(400_000) / stretches}
	var with, without Received
	for range stretches {
		got, err := b.burst(ctx, alone, l)
		if err != nil {
			return err
		}
		without = without.and(got)
		if got, err = b.burst(ctx, among, Load{Accounts: l.Accounts, Events: l.Events, First: many}); err != nil {
			return err
		}
		with = with.and(got)
	}
	used, err := ask[Usage](ctx, among, "Usage", None{})
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T8", What: "start with 100,000 webhooks, 10,000 backlogs", Unit: "s", Target: 10}, took.Seconds())
	b.report.add(Row{Name: "T8", What: "memory with these", Unit: "MiB", Target: 1024}, float64(used.Memory)/(1<<20))
	b.report.add(Row{Name: "T8", What: "throughput to one webhook, to that without the others", Target: 0.9, Least: true}, with.rate()/without.rate())
	return nil
}

// burst publishes a load to one webhook of a node that runs, and measures what comes once all is published.
func (b *Bench) burst(ctx context.Context, node *process, l Load) (Received, error) {
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, l.Events}); err != nil {
		return Received{}, err
	}
	if _, err := ask[None](ctx, node, "Publish", l); err != nil {
		return Received{}, err
	}
	early, err := ask[Received](ctx, b.receiver, "Wait", time.Duration(0))
	if err != nil {
		return Received{}, err
	}
	got, err := b.wait(ctx, l.Events)
	return Received{Distinct: got.Distinct - early.Distinct, Total: got.Total - early.Total, Took: got.Took - early.Took}, err
}

// idle measures what a node uses that has nothing to do.
func (b *Bench) idle(ctx context.Context) (err error) {
	const settle, watched = 3 * time.Second, 10 * time.Second
	node, _, err := b.start(ctx, Hooks{Count: 1000, Accounts: 10, URL: b.url(fast)})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	var used [2]Usage
	for i, wait := range []time.Duration{settle, watched} {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		if used[i], err = ask[Usage](ctx, node, "Usage", None{}); err != nil {
			return err
		}
	}
	b.report.add(Row{Name: "T9", What: "idle with 1,000 webhooks, of a core", Unit: "%", Target: 1}, 100*float64(used[1].CPU-used[0].CPU)/float64(watched))
	b.report.add(Row{Name: "T9", What: "memory, idle with 1,000 webhooks", Unit: "MiB", Target: 100}, float64(used[1].Memory)/(1<<20))
	return nil
}
