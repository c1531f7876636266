package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// many is how many publish at once where many do.
const many = 64

// syncs measures what it costs to have the disk write each event before it is accepted, with one publisher and with many: a
// single server, by turns with one that has the disk write every ten seconds, each on a file stream of its own.
func (b *Bench) syncs(ctx context.Context) error {
	for _, publishers := range []int{1, many} {
		var each, byAndBy float64
		const turns = 2
		for turn := range turns + 1 {
			rate, err := b.publishFor(ctx, StoreOptions{}, publishers)
			if err != nil {
				return err
			}
			byAndBy += rate / (turns + 1)
			if turn == turns {
				break
			}
			if rate, err = b.publishFor(ctx, StoreOptions{Always: true}, publishers); err != nil {
				return err
			}
			each += rate / turns
		}
		what := strconv.Itoa(publishers) + " at once"
		b.report.add(Row{Name: "T21", What: "events accepted with a sync each, " + what, Unit: "/s"}, each)
		b.report.add(Row{Name: "T21", What: "those with a sync every 10 s, to those with a sync each, " + what}, byAndBy/each)
	}
	return nil
}

// publishFor is how many events a second a store accepts from publishers that each wait for an answer.
func (b *Bench) publishFor(ctx context.Context, o StoreOptions, publishers int) (rate float64, err error) {
	store, err := b.begin(ctx, storing)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.end()) }()
	b.nodes++
	o.Dir = filepath.Join(b.dir, fmt.Sprintf("nats-%d", b.nodes))
	url, err := ask[string](ctx, store, "Open", o)
	if err != nil {
		return 0, err
	}
	nc, err := nats.Connect(url)
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	began, takes := time.Now(), time.Duration(b.size(int(3*time.Second)))
	var accepted atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	for range publishers {
		all.Go(func() error {
			for time.Since(began) < takes {
				if _, err := js.Publish(ctx, "events.a1.optin_finalized", body(0, time.Now())); err != nil {
					return fmt.Errorf("publish: %w", err)
				}
				accepted.Add(1)
			}
			return nil
		})
	}
	err = all.Wait()
	return float64(accepted.Load()) / time.Since(began).Seconds(), err
}
