// Package broker connects to NATS or starts the embedded server, and owns every stream, bucket and consumer definition.
package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Options say which NATS to use and what the streams look like.
type Options struct {
	// URL of an external NATS, or several with commas between; empty starts the embedded server.
	URL string
	// Listen is the address on which the embedded server takes publishers; empty: only in-process connections.
	Listen string
	// Server is a server in this process to use instead of either; for several nodes in one process, as in tests.
	Server nats.InProcessConnProvider
	// Sync is how often the embedded server has the disk write what it keeps: what a loss of power may cost.
	Sync time.Duration
	// Dir holds the embedded server's data. It is made if it is not there.
	Dir string
	// Replicas of every stream and bucket: 1, 3 or 5.
	Replicas int
	// Retention is how long events, attempts and notices are kept.
	Retention time.Duration
	// MaxBytes bounds what the stream EVENTS takes; 0 sets no bound. Full, it refuses publishers.
	MaxBytes int64
	// AckWait is how long an event may be out without a sign of life before it is handed out again.
	AckWait time.Duration
	Log     *zap.Logger
}

// Broker is the way to the streams and buckets. It is safe for concurrent use.
type Broker struct {
	// Webhooks, Backlogs and Accounts are the journal's buckets.
	Webhooks, Backlogs, Accounts *Bucket
	// Wakes hands out the backlogs to look at, on the connection of the pulls.
	Wakes jetstream.Consumer
	// JetStream publishes and manages.
	JetStream jetstream.JetStream

	options  Options
	clock    clock
	embedded *embedded
	nc, pull *nats.Conn
	events   jetstream.Stream
	attempts jetstream.Stream
	notices  jetstream.Stream
	dispatch jetstream.Consumer
	pages    pages
}

// minimum is the first nats-server with message schedules (ADR-51).
const minimum = "2.12.0"

// Open connects, or starts the embedded server, and brings the definitions of streams, buckets and consumers up to
// date. Its errors name the address or directory and what to do. Close the broker after use.
func Open(ctx context.Context, o Options) (_ *Broker, err error) {
	b := &Broker{options: o}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if o.URL == "" && o.Server == nil {
		if b.embedded, err = startEmbedded(o); err != nil {
			return nil, err
		}
	}
	// Publishing and consuming do not share a connection: a pull that waits behind a flood of publishes stands still.
	if b.nc, err = b.connect("saumer", false); err != nil {
		return nil, err
	}
	if b.pull, err = b.connect("saumer pulls", true); err != nil {
		return nil, err
	}
	if v := b.nc.ConnectedServerVersion(); olderThan(v, minimum) {
		return nil, fmt.Errorf("nats-server %s at %s is too old: Saumer needs %s or newer, for message schedules", v, b.nc.ConnectedUrlRedacted(), minimum)
	}
	if b.JetStream, err = jetstream.New(b.nc); err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	if err = b.define(ctx); err != nil {
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders) {
			return nil, fmt.Errorf("JetStream is not enabled on %s: start nats-server with -js: %w", b.nc.ConnectedUrlRedacted(), err)
		}
		return nil, err
	}
	// The first look at NATS' clock.
	if _, err = b.Bounds(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// connect connects to NATS; flood is true if many messages will come.
func (b *Broker) connect(name string, flood bool) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(500 * time.Millisecond),
		nats.Timeout(5 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.options.Log.Warn("NATS reported an error", zap.Error(err))
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.options.Log.Warn("the connection to NATS was lost", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.options.Log.Info("the connection to NATS is back", zap.String("server", nc.ConnectedUrlRedacted()))
		}),
	}
	url := b.options.URL
	switch {
	case b.embedded != nil && flood && b.options.Listen != "":
		// In-process, the server writes 512 bytes at a time, and each write waits until it is read; to a socket it writes
		// all that it has (nats-server 2.15, net.Pipe). That is a tenth of what a delivery costs.
		url = b.embedded.server.ClientURL()
		options = append(options, nats.UserInfo(inside, b.embedded.password))
	case b.embedded != nil:
		options = append(options, nats.InProcessServer(b.embedded.server), nats.UserInfo(inside, b.embedded.password),
			nats.PingInterval(inProcessPing))
	case b.options.Server != nil:
		options = append(options, nats.InProcessServer(b.options.Server))
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w; check --nats-url, and that nats-server runs there with -js", redact(url), err)
	}
	return nc, nil
}

// Embedded is the address that publishers reach the embedded server at, as a nats:// URL; empty if there is none.
func (b *Broker) Embedded() string {
	if b.embedded == nil || b.options.Listen == "" {
		return ""
	}
	return b.embedded.server.ClientURL()
}

// InProcess is the embedded server as other connections within the process reach it; nil if NATS is external.
func (b *Broker) InProcess() nats.InProcessConnProvider {
	if b.embedded == nil {
		return nil
	}
	return b.embedded.server
}

// Ready says why NATS cannot be used at the moment, or nil.
func (b *Broker) Ready(ctx context.Context) error {
	if !b.nc.IsConnected() || !b.pull.IsConnected() {
		return errors.New("not connected to NATS")
	}
	if _, err := b.JetStream.AccountInfo(ctx); err != nil {
		return fmt.Errorf("ask JetStream: %w", err)
	}
	return nil
}

// Flush returns when NATS has everything that was published and acknowledged so far.
func (b *Broker) Flush(ctx context.Context) error {
	b.turnPages()
	return errors.Join(b.nc.FlushWithContext(ctx), b.pull.FlushWithContext(ctx))
}

// Confirm returns when NATS has taken in the acknowledgement of an event, sent to reply, and all that came before it.
func (b *Broker) Confirm(ctx context.Context, reply string) error {
	if _, err := b.pull.RequestWithContext(ctx, reply, []byte("+ACK")); err != nil {
		return fmt.Errorf("confirm an acknowledgement: %w", err)
	}
	return nil
}

// Close closes the connections and stops the embedded server. It is idempotent.
func (b *Broker) Close() {
	if b.pull != nil {
		b.pull.Close()
	}
	if b.nc != nil {
		b.closePages()
		b.nc.Close()
	}
	if b.embedded != nil {
		b.embedded.stop()
	}
}
