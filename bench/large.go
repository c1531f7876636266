package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// largeSize is how large a large event is, and largeRate how many of them there are a second.
const largeSize, largeRate = 1 << 20, 100

// large measures what a quiet account gets beside large events of another one, what these take and cost.
func (b *Bench) large(ctx context.Context) (err error) {
	events := b.size(1000)
	what := fmt.Sprintf("%d events of 1 MiB, %d a second", events, largeRate)
	node, address, err := b.start(ctx, Hooks{Count: 1, Accounts: 1, URL: b.url(crowded)},
		Hooks{First: 1, Count: 1, Accounts: 2, URL: b.url(fast)})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	if _, err := ask[None](ctx, b.receiver, "ExpectCrowd", Expected{1, events}); err != nil {
		return err
	}
	long := time.Duration(events) * time.Second / largeRate
	quiet := Load{Accounts: 1, First: 1, Events: int(long.Seconds() * quietRate)}
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, quiet.Events}); err != nil {
		return err
	}
	memory, watching := make(chan uint64), make(chan struct{})
	go func() { memory <- b.most(ctx, node, watching) }()
	var publishers errgroup.Group
	var published time.Duration
	publishers.Go(func() error {
		began := time.Now()
		err := publishAt(ctx, address, Load{Accounts: 1, Events: events, Size: largeSize}, largeRate)
		published = time.Since(began)
		return err
	})
	publishers.Go(func() error { return publishAt(ctx, address, quiet, quietRate) })
	err = publishers.Wait()
	var got, others Received
	if err == nil {
		got, err = b.waitCrowd(ctx)
	}
	if err == nil {
		others, err = b.wait(ctx, quiet.Events)
	}
	close(watching)
	most := <-memory
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T20", What: "latency of a quiet account, p99, beside " + what, Unit: "ms", Target: 100}, millis(others.P99))
	b.report.add(Row{Name: "T20", What: "until all have come, to publishing them: " + what, Target: 1}, got.Took.Seconds()/published.Seconds())
	b.report.add(Row{Name: "T20", What: "memory meanwhile, at most: " + what, Unit: "MiB", Target: 300}, float64(most)/(1<<20))
	return nil
}
