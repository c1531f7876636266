package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/event"
)

// eventName is the event of all webhooks.
const eventName = "optin_finalized"

// Node is a Saumer in a process of its own.
type Node struct {
	app     *app.App
	options NodeOptions
	stop    context.CancelFunc
	ran     chan error
	// profiled ends its profile, if there is one.
	profiled func() error
}

// NodeOptions are what differs between the nodes of a benchmark.
type NodeOptions struct {
	// Dir is the data directory.
	Dir string
	// NATSURL and RedisURL are external services; empty: embedded.
	NATSURL, RedisURL string
	// Key seals the secrets of webhooks.
	Key []byte
	// BackoffMax is the longest backoff; 0: the default.
	BackoffMax time.Duration
	// Sweep is how often backlogs are looked at for lost wakes; 0: as by default.
	Sweep time.Duration
	// Timeout bounds an attempt; 0: as long as endpoints of this machine need, which answer at once, or are ill.
	Timeout time.Duration
	// Replicas of streams and buckets; 0: as by default.
	Replicas int
	// Serve has it serve its API, at any port.
	Serve bool
	// Profile is where profiles of what it does from Run on are written; empty: none are.
	Profile string
}

// password is that of the first account.
const password = "correct horse"

// timeout bounds dialing, and an attempt unless the options say otherwise.
const timeout = 5 * time.Second

// Open opens all that the node needs, and delivers nothing yet. It answers with the address for publishers.
func (n *Node) Open(o NodeOptions, address *string) (err error) {
	log := zap.NewProductionConfig()
	log.Level = zap.NewAtomicLevelAt(zap.ErrorLevel)
	logger, err := log.Build()
	if err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	options := app.Defaults()
	options.Data, options.NATSURL, options.RedisURL = o.Dir, o.NATSURL, o.RedisURL
	options.Account, options.Password, options.SecretKey = defaults.Account, password, o.Key
	options.AllowCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	options.Timeout, options.ConnectTimeout = cmp.Or(o.Timeout, timeout), timeout
	options.BackoffMax = cmp.Or(o.BackoffMax, options.BackoffMax)
	options.Replicas = cmp.Or(o.Replicas, options.Replicas)
	if o.Serve {
		options.HTTP, options.Limits.Publishes, options.Limits.Requests = "127.0.0.1:0", math.MaxInt32, math.MaxInt32
	}
	options.Grace, options.Sweep = time.Second, o.Sweep
	options.Version, options.Log = "bench", logger
	if o.NATSURL == "" {
		options.NATSListen, options.Gate = "127.0.0.1:0", gate{}
	}
	n.options = o
	if n.app, err = app.New(context.Background(), options); err != nil {
		return err
	}
	if *address = n.app.NATS(); o.NATSURL != "" {
		*address = o.NATSURL
	}
	return nil
}

// Load are events to publish, numbered from 0, to each of some accounts in turn.
type Load struct {
	Accounts, Events int
	// First is the number of the first account.
	First int
	// Size is how large each is; 0: bodySize.
	Size int
}

// published bounds the publishes that wait for their answer.
const published = 4096

// patience is how long NATS may take to answer.
const patience = time.Minute

// Publish publishes events as fast as it can, from inside.
func (n *Node) Publish(l Load, _ *None) error {
	return publish(context.Background(), []*nats.Conn{n.app.Broker().JetStream.Conn()}, l, 0)
}

// Run begins to deliver. It answers, once that has begun, with the time that it took.
func (n *Node) Run(_ None, took *time.Duration) error {
	if n.options.Profile != "" {
		var err error
		if n.profiled, err = profile(n.options.Profile, filepath.Base(n.options.Dir)); err != nil {
			return err
		}
	}
	began := time.Now()
	ctx, stop := context.WithCancel(context.Background())
	n.stop, n.ran = stop, make(chan error, 1)
	go func() { n.ran <- n.app.Run(ctx) }()
	select {
	case <-n.app.Ready():
	case err := <-n.ran:
		n.ran <- err
		return fmt.Errorf("run: %w", err)
	}
	*took = time.Since(began)
	return nil
}

// Usage says what the node has used.
func (n *Node) Usage(_ None, u *Usage) (err error) {
	*u, err = usage()
	return err
}

func (n *Node) close() error {
	var profiled error
	if n.profiled != nil {
		profiled = n.profiled()
	}
	switch {
	case n.app == nil:
		return profiled
	case n.stop == nil:
		return errors.Join(profiled, n.app.Close())
	}
	n.stop()
	return errors.Join(profiled, <-n.ran)
}

// pace is how often a publisher that keeps to a rate looks at its clock.
const pace = time.Millisecond

// publish publishes a load over connections in turn: as fast as it can, or, where a rate is given, at that many events a second.
func publish(ctx context.Context, connections []*nats.Conn, l Load, rate int) error {
	publishers := make([]jetstream.JetStream, len(connections))
	for i, nc := range connections {
		var err error
		if publishers[i], err = newPublisher(nc); err != nil {
			return err
		}
	}
	began, sent, total := time.Now(), 0, l.Accounts*l.Events
	for sent < total {
		due := total
		if rate > 0 {
			due = min(total, int(time.Since(began).Seconds()*float64(rate))+1)
		}
		for ; sent < due; sent++ {
			subject := event.Subject(account(l.First+sent%l.Accounts), eventName)
			js := publishers[sent%len(publishers)]
			if _, err := js.PublishAsync(subject, sized(cmp.Or(l.Size, bodySize), sent/l.Accounts, time.Now()), jetstream.WithStallWait(patience)); err != nil {
				return fmt.Errorf("publish an event: %w", err)
			}
		}
		if sent < total {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(pace):
			}
		}
	}
	answered := time.After(patience)
	for _, js := range publishers {
		select {
		case <-js.PublishAsyncComplete():
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-answered:
			return errors.New("publish events: NATS does not answer")
		}
	}
	return nil
}
