package broker

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// reconnectWait is how long to wait before a server is tried again.
const reconnectWait = 500 * time.Millisecond

// patience is for how long requests wait for a connection that broke: another server of a cluster is found in this time.
const patience = time.Second

// errAway is returned while NATS cannot be reached. It is a timeout: whoever asks again later may have more luck.
var errAway error = away{}

type away struct{}

func (away) Error() string        { return "not connected to NATS" }
func (away) Timeout() bool        { return true }
func (away) Is(target error) bool { return target == context.DeadlineExceeded }

// inboxPrefix begins the subjects that answers to Saumer come back on. They are not those of other clients, and what follows is
// drawn anew by each connection, so that nobody who may hear the answers to his own requests hears those.
const inboxPrefix = "_SAUMER."

// ErrClosed is returned once the connection is closed for good: trying again is of no use.
var ErrClosed error = closed{}

type closed struct{ away }

func (closed) Error() string        { return "the connection to NATS is closed for good" }
func (closed) Is(target error) bool { return target == errAway || away{}.Is(target) }

// reachable returns an error if the connection has been gone for longer than a request should wait for it.
func (b *Broker) reachable() error {
	if b.nc.IsConnected() {
		return nil
	}
	if b.nc.IsClosed() {
		return ErrClosed
	}
	if broke := b.broke.Load(); broke != nil && time.Since(*broke) > patience {
		return errAway
	}
	return nil
}

// Answers returns nil once the leaders of our streams have answered, and an error that is a context.DeadlineExceeded if they do
// not until the context ends, or if the connection has been gone for longer than a request should wait for it. A stream that is
// gone, or has no leader, is no silence.
func (b *Broker) Answers(ctx context.Context) error {
	if err := b.reachable(); err != nil {
		return err
	}
	_, err := b.answers.ask(ctx, b.extents)
	return err
}

// connect connects to NATS; flood is true if many messages will come. A connection that was made is made again for as long
// as it takes, also while NATS refuses the login, as in a rotation of credentials.
func (b *Broker) connect(name string, flood bool) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix(inboxPrefix + rand.Text()),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait),
		nats.Timeout(5 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				b.denied.Store(&err)
			}
			b.options.Log.Warn("NATS reported an error", zap.Error(err))
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if now := time.Now(); !flood {
				b.broke.Store(&now)
			}
			if err != nil {
				b.options.Log.Warn("the connection to NATS was lost", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.options.Log.Info("the connection to NATS is back", zap.String("server", nc.ConnectedUrlRedacted()))
		}),
		nats.ClosedHandler(func(nc *nats.Conn) { b.closed(name, nc.LastError()) }),
	}
	url := b.options.URL
	switch {
	case b.embedded != nil && flood && b.options.Listen != "" && b.options.TLS == nil:
		// In-process, the server writes 512 bytes at a time, and each write waits until it is read; to a socket it writes
		// all that it has (nats-server 2.15, net.Pipe). That is a tenth of what a delivery costs.
		url = b.embedded.server.ClientURL()
		options = append(options, nats.UserInfo(inside, b.embedded.publishers.password))
	case b.embedded != nil:
		options = append(options, nats.InProcessServer(b.embedded.server), nats.UserInfo(inside, b.embedded.publishers.password),
			nats.PingInterval(inProcessPing))
	case b.options.Server != nil:
		options = append(options, nats.InProcessServer(b.options.Server))
	default:
		options = append(options, b.options.Login...)
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w; check --nats-url, and that nats-server runs there with -js", redact(url), err)
	}
	return nc, nil
}

// closed takes in that a connection is closed for good: the process cannot go on without it.
func (b *Broker) closed(name string, why error) {
	if b.closing.Load() {
		return
	}
	err := fmt.Errorf("the connection %q to NATS is closed for good", name)
	if why != nil {
		err = fmt.Errorf("%w: %w", err, why)
	}
	b.end(err)
}

// end has Run end.
func (b *Broker) end(err error) {
	select {
	case b.ended <- err:
	default: // one reason is enough
	}
}

// Run keeps how far the live path is written down, and makes again what is gone of streams and consumers. It returns nil when
// the context ends, and before that why the broker can never be used again, such as a connection that is closed for good.
func (b *Broker) Run(ctx context.Context) error {
	var rest, again <-chan time.Time
	noted := b.watch.noted
	look := time.NewTicker(cmp.Or(b.options.Look, defaultLook))
	defer look.Stop()
	for {
		select {
		case err := <-b.ended:
			return err
		case <-ctx.Done():
			return nil
		case <-rest:
			rest, noted = nil, b.watch.noted
		case <-noted:
			rest, noted = time.After(saveEvery), nil
			b.bounded(ctx, "how far the live path is was not written down", b.saveMark)
			if again = nil; !b.quiet() {
				again = time.After(spacing(b.costs()))
			}
		case <-again:
			again = nil
			b.note()
		case <-look.C:
			b.bounded(ctx, "streams and consumers were not looked after", b.heal)
		case <-b.health.ill:
			b.bounded(ctx, "streams and consumers were not looked after", b.heal)
		}
	}
}

// bounded does something for a while at most, and says what an error means.
func (b *Broker) bounded(ctx context.Context, failed string, do func(context.Context) error) {
	if !b.connected() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if err := do(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		b.options.Log.Warn(failed, zap.Error(err))
	}
}
