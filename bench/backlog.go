package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Kept is what the node's NATS holds besides events.
type Kept struct {
	// Records and Bytes are those of the bucket of backlogs, Wakes and Attempts messages of these streams.
	Records, Bytes, Wakes, Attempts uint64
	// Waiting is how many events the live path has not dealt with.
	Waiting uint64
}

// Keeps says what the node's NATS holds.
func (n *Node) Keeps(_ None, k *Kept) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	js := n.app.Broker().JetStream
	for name, into := range map[string]*uint64{"KV_BACKLOGS": &k.Records, "WAKES": &k.Wakes, "ATTEMPTS": &k.Attempts} {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			return fmt.Errorf("look at the stream %s: %w", name, err)
		}
		state := stream.CachedInfo().State
		if *into = state.Msgs; into == &k.Records {
			k.Bytes = state.Bytes
		}
	}
	dispatch, err := js.Consumer(ctx, "EVENTS", "dispatch")
	if err != nil {
		return fmt.Errorf("ask how far the live path is: %w", err)
	}
	info := dispatch.CachedInfo()
	k.Waiting = info.NumPending + uint64(info.NumAckPending)
	return nil
}

// backlog measures what a webhook costs that is down while a million events pass, and how it catches up when it is back.
func (b *Bench) backlog(ctx context.Context) error {
	var got Received
	bare, _, err := b.baseline(ctx, b.size(100_000), func() (err error) {
		got, err = b.missed(ctx)
		return err
	})
	if err != nil {
		return err
	}
	b.report.add(Row{Name: "T7", What: "catching up on 1,000,000 events, to the bare loop", Target: 1.2, Least: true}, got.rate()/bare.rate())
	b.report.add(Row{Name: "T7", What: "deliveries a second", Unit: "/s"}, got.rate())
	return nil
}

// missed is backlog without what it is compared with; it returns what came when the webhook was back.
func (b *Bench) missed(ctx context.Context) (got Received, err error) {
	events, beside := b.size(1_000_000), b.size(100_000)
	alone, _, err := b.drain(ctx, Load{Accounts: 1, Events: beside}, 1, Hooks{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections})
	if err != nil {
		return got, err
	}
	// An address at which somebody listens later.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return got, fmt.Errorf("find an address: %w", err)
	}
	down := l.Addr().String()
	if err := l.Close(); err != nil {
		return got, fmt.Errorf("find an address: %w", err)
	}
	// The first id is left for the webhook that is made later.
	hook := Hooks{First: 1, Count: 1, Accounts: 1, MaxInFlight: connections, URL: strings.Replace(b.url(fast), b.address, down, 1)}
	// An endpoint that is back is soon seen to be.
	node, address, err := b.startWith(ctx, NodeOptions{NATSURL: b.NATSURL, RedisURL: b.RedisURL, BackoffMax: time.Second}, hook)
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return got, err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return got, err
	}
	if err := publishAt(ctx, address, Load{Accounts: 1, Events: events}, 0); err != nil {
		return got, err
	}
	kept, err := b.settled(ctx, node)
	if err != nil {
		return got, err
	}
	b.report.add(Row{Name: "T6", What: "backlog records of a webhook that is down", Target: 1}, float64(kept.Records))
	b.report.add(Row{Name: "T6", What: "size of the record", Unit: "bytes"}, float64(kept.Bytes))
	b.report.add(Row{Name: "T6", What: "other messages kept for it (wakes, attempts)"}, float64(kept.Wakes+kept.Attempts))

	if _, err := ask[None](ctx, node, "Make", Hooks{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections}); err != nil {
		return got, err
	}
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, beside}); err != nil {
		return got, err
	}
	if err := publishAt(ctx, address, Load{Accounts: 1, Events: beside}, 0); err != nil {
		return got, err
	}
	if got, err = b.wait(ctx, beside); err != nil {
		return got, err
	}
	b.report.add(Row{Name: "T6", What: "throughput beside it, published meanwhile, to that without it"}, got.rate()/alone.rate())

	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, events}); err != nil {
		return got, err
	}
	if _, err := ask[string](ctx, b.receiver, "Listen", down); err != nil {
		return got, err
	}
	return b.come(ctx, events)
}

// look is the pause between two looks at something that is waited for.
const look = 100 * time.Millisecond

// until looks until done says so.
func until(ctx context.Context, what string, done func() (bool, error)) error {
	for began := time.Now(); time.Since(began) < longest; {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(look):
		}
	}
	return fmt.Errorf("waited %v until %s", longest, what)
}

// settled waits until the live path has dealt with all events.
func (b *Bench) settled(ctx context.Context, node *process) (kept Kept, err error) {
	return kept, until(ctx, "the live path has dealt with all events", func() (bool, error) {
		kept, err = ask[Kept](ctx, node, "Keeps", None{})
		return kept.Waiting == 0, err
	})
}

// come waits until a number of events have come, out of more that are expected.
func (b *Bench) come(ctx context.Context, count int) (got Received, err error) {
	return got, until(ctx, fmt.Sprintf("%d events have come", count), func() (bool, error) {
		got, err = ask[Received](ctx, b.receiver, "Wait", time.Duration(0))
		return got.Distinct >= count, err
	})
}
