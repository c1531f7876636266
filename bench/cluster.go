package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// servers is how many a cluster has.
const servers = 3

// replicated measures an external NATS of three servers that keep each message, beside one server.
func (b *Bench) replicated(ctx context.Context) error {
	for _, always := range []bool{false, true} {
		what := "synced every ten seconds"
		events := b.size(40_000)
		if always {
			what, events = "synced always", events/10
		}
		one, err := b.stored(ctx, 1, always, events)
		if err != nil {
			return err
		}
		three, err := b.stored(ctx, servers, always, events)
		if err != nil {
			return err
		}
		b.report.add(Row{Name: "T18", What: "published to three NATS servers, to one, " + what}, three.published/one.published)
		b.report.add(Row{Name: "T18", What: "published to three NATS servers, " + what, Unit: "/s"}, three.published)
		b.report.add(Row{Name: "T18", What: "delivered from three NATS servers, to one, " + what}, three.delivered/one.delivered)
		b.report.add(Row{Name: "T18", What: "delivered from three NATS servers, " + what, Unit: "/s"}, three.delivered)
	}
	return nil
}

// rates are how many events a second were stored, and then delivered.
type rates struct{ published, delivered float64 }

// stored measures how fast events are stored by some servers, each of which keeps all, and then delivered.
func (b *Bench) stored(ctx context.Context, replicas int, always bool, events int) (r rates, err error) {
	url, end, err := b.cluster(ctx, replicas, always)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return r, err
	}
	node, address, err := b.startWith(ctx, NodeOptions{NATSURL: url, RedisURL: b.RedisURL, Replicas: replicas},
		Hooks{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return r, err
	}
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, events}); err != nil {
		return r, err
	}
	began := time.Now()
	if err := publishAt(ctx, address, Load{Accounts: 1, Events: events}, 0); err != nil {
		return r, err
	}
	r.published = float64(events) / time.Since(began).Seconds()
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return r, err
	}
	got, err := b.wait(ctx, events)
	r.delivered = got.rate()
	return r, err
}

// cluster starts some NATS servers, and returns their URLs and what ends them, also with an error.
func (b *Bench) cluster(ctx context.Context, count int, always bool) (url string, end func() error, err error) {
	var started []*process
	end = func() (err error) {
		for _, p := range started {
			err = errors.Join(err, p.end())
		}
		return err
	}
	routes := make([]string, count)
	for i := range routes {
		if routes[i], err = vacant(); err != nil {
			return "", end, err
		}
	}
	urls := make([]string, count)
	var opening errgroup.Group
	for i := range urls {
		p, err := b.begin(ctx, storing)
		if err != nil {
			return "", end, err
		}
		started = append(started, p)
		b.nodes++
		o := StoreOptions{Dir: filepath.Join(b.dir, fmt.Sprintf("nats-%d", b.nodes)), Always: always}
		if count > 1 {
			o.Name, o.Listen, o.Routes = fmt.Sprintf("bench-%d", i), routes[i], routes
		}
		opening.Go(func() (err error) { urls[i], err = ask[string](ctx, p, "Open", o); return err })
	}
	err = opening.Wait()
	return strings.Join(urls, ","), end, err
}

// vacant is an address of this machine at which nobody listens.
func vacant() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find an address: %w", err)
	}
	return l.Addr().String(), l.Close()
}
