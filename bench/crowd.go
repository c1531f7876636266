package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// eachMissed is how many events each of many webhooks misses that fail at once.
const eachMissed = 5

// crowd is many webhooks that fail at once.
type crowd struct {
	what     string
	accounts int
	hang     bool
	// webhooks is how many they are, and longest the longest backoff, after which they fail at rest.
	webhooks int
	longest  time.Duration
}

// crowds measures what a quiet account gets beside many webhooks that fail at once, what these cost meanwhile, and how fast
// they catch up when all are well at once.
func (b *Bench) crowds(ctx context.Context) error {
	webhooks, longest := b.size(20_000), time.Minute
	if b.Quick {
		longest /= 10
	}
	return errors.Join(
		b.crowd(ctx, crowd{fmt.Sprintf("%d webhooks of one account that refuse", webhooks), 1, false, webhooks, longest}),
		b.crowd(ctx, crowd{fmt.Sprintf("%d webhooks of %d accounts that hang", webhooks, b.size(1000)), b.size(1000), true, webhooks, longest}),
	)
}

// crowd measures one kind of it.
func (b *Bench) crowd(ctx context.Context, c crowd) (err error) {
	url, recover, err := b.ailing(ctx, c)
	if err != nil {
		return err
	}
	node, address, err := b.startWith(ctx, NodeOptions{NATSURL: b.NATSURL, RedisURL: b.RedisURL, BackoffMax: c.longest},
		Hooks{Count: c.webhooks, Accounts: c.accounts, URL: url}, Hooks{First: c.webhooks, Count: 1, Accounts: c.webhooks + 1, URL: b.url(fast)})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	if _, err := ask[None](ctx, b.receiver, "ExpectCrowd", Expected{c.webhooks, eachMissed}); err != nil {
		return err
	}
	got, err := b.quietBeside(ctx, address, c.webhooks, c.longest, Load{Accounts: c.accounts, Events: eachMissed})
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T14", What: "latency of a quiet account, p99, beside " + c.what, Unit: "ms", Target: 100}, millis(got.P99))
	share, err := b.busy(ctx, node, c.longest/3)
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T14", What: "CPU of a core while they fail: " + c.what, Unit: "%", Target: 20}, share)
	took, bare := time.Duration(0), Received{}
	if bare, _, err = b.baseline(ctx, b.size(20_000), func() error { took, err = b.recovered(ctx, recover); return err }); err != nil {
		return err
	}
	allowed := c.longest.Seconds() + float64(c.webhooks*eachMissed)/bare.rate()
	b.report.add(Row{Name: "T14", What: "caught up when they are well: " + c.what, Unit: "s"}, took.Seconds())
	b.report.add(Row{Name: "T14", What: "the same, to the longest backoff and what the bare loop takes for as many: " + c.what, Target: 1.5}, took.Seconds()/allowed)
	return nil
}

// ailing returns where webhooks lead that refuse or hang, and what makes them well.
func (b *Bench) ailing(ctx context.Context, c crowd) (url string, recover func() error, err error) {
	if c.hang {
		ail := func(ill bool) error { _, err := ask[None](ctx, b.receiver, "Ail", ill); return err }
		return b.url(crowded), func() error { return ail(false) }, ail(true)
	}
	// An address at which somebody listens later.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("find an address: %w", err)
	}
	down := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", nil, fmt.Errorf("find an address: %w", err)
	}
	return strings.Replace(b.url(crowded), b.address, down, 1), func() error {
		_, err := ask[string](ctx, b.receiver, "Listen", down)
		return err
	}, nil
}

// quietBeside publishes a load, and for so long at a rate for a quiet account whose webhook has a number. It returns what that
// one got.
func (b *Bench) quietBeside(ctx context.Context, address string, webhook int, long time.Duration, l Load) (Received, error) {
	quiet := Load{Accounts: 1, First: webhook, Events: int(long.Seconds() * quietRate)}
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, quiet.Events}); err != nil {
		return Received{}, err
	}
	var publishers errgroup.Group
	publishers.Go(func() error { return publishAt(ctx, address, quiet, quietRate) })
	publishers.Go(func() error { return publishAt(ctx, address, l, 0) })
	if err := publishers.Wait(); err != nil {
		return Received{}, err
	}
	return b.wait(ctx, quiet.Events)
}

// busy is how much of a core a node uses for a while, in percent.
func (b *Bench) busy(ctx context.Context, node *process, long time.Duration) (float64, error) {
	before, err := ask[Usage](ctx, node, "Usage", None{})
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-time.After(long):
	}
	after, err := ask[Usage](ctx, node, "Usage", None{})
	return 100 * float64(after.CPU-before.CPU) / float64(long), err
}

// recovered makes the endpoints of a crowd well, and measures how long it takes until all that they missed has come.
func (b *Bench) recovered(ctx context.Context, recover func() error) (time.Duration, error) {
	began := time.Now()
	if err := recover(); err != nil {
		return 0, err
	}
	got, err := b.waitCrowd(ctx)
	if err == nil && got.Total > got.Distinct {
		b.say("%d of %d deliveries came twice", got.Total-got.Distinct, got.Total)
	}
	return time.Since(began), err
}

// waitCrowd waits until all that is expected of the crowd has come.
func (b *Bench) waitCrowd(ctx context.Context) (Received, error) {
	got, err := ask[Received](ctx, b.receiver, "WaitCrowd", longest)
	if err == nil && !got.All {
		err = fmt.Errorf("%d events came within %v, and that is not all", got.Distinct, longest)
	}
	return got, err
}

// oneForAll measures what a quiet account gets while one event goes to very many healthy webhooks of another, and what that
// takes.
func (b *Bench) oneForAll(ctx context.Context) (err error) {
	webhooks := b.size(50_000)
	what := fmt.Sprintf("one event for %d webhooks", webhooks)
	node, address, err := b.start(ctx, Hooks{Count: webhooks, Accounts: 1, URL: b.url(crowded)},
		Hooks{First: webhooks, Count: 1, Accounts: webhooks + 1, URL: b.url(fast)})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	if _, err := ask[None](ctx, b.receiver, "ExpectCrowd", Expected{webhooks, 1}); err != nil {
		return err
	}
	memory, watching := make(chan uint64), make(chan struct{})
	go func() { memory <- b.most(ctx, node, watching) }()
	quiet, err := b.quietBeside(ctx, address, webhooks, 10*time.Second, Load{Accounts: 1, Events: 1})
	var got Received
	if err == nil {
		got, err = b.waitCrowd(ctx)
	}
	close(watching)
	most := <-memory
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T15", What: "latency of a quiet account, p99, beside " + what, Unit: "ms", Target: 100}, millis(quiet.P99))
	b.report.add(Row{Name: "T15", What: "until all have it: " + what, Unit: "s"}, got.Took.Seconds())
	b.report.add(Row{Name: "T15", What: "deliveries that came twice: " + what}, float64(got.Total-got.Distinct))
	b.report.add(Row{Name: "T15", What: "memory meanwhile, at most: " + what, Unit: "MiB", Target: 500}, float64(most)/(1<<20))
	return nil
}

// most is the most memory that a node has until the end.
func (b *Bench) most(ctx context.Context, node *process, end <-chan struct{}) (most uint64) {
	for {
		if used, err := ask[Usage](ctx, node, "Usage", None{}); err == nil {
			most = max(most, used.Memory)
		}
		select {
		case <-end:
			return most
		case <-time.After(look):
		}
	}
}
