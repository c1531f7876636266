package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/console"
	"github.com/saumer/saumer/consumer"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/metrics"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/runner"
	"github.com/saumer/saumer/slots"
	"github.com/saumer/saumer/stats"
)

var (
	_ runner.Notifier  = (*notify.Notices)(nil)
	_ runner.Sender    = (*delivery.Sender)(nil)
	_ runner.Prober    = (*delivery.Client)(nil)
	_ consumer.Cover   = (*runner.Cover)(nil)
	_ consumer.Rejects = (*broker.Broker)(nil)
	_ delivery.Counts  = (*stats.Stats)(nil)
	_ stats.Store      = (*broker.Broker)(nil)
)

// App is one process of Saumer.
type App struct {
	options  Options
	key      []byte // the secret key
	broker   *broker.Broker
	registry *registry.Registry
	accounts *registry.Accounts
	client   *delivery.Client
	links    *notify.Links
	notices  *notify.Notices
	outlets  []*notify.Outlet
	stats    *stats.Stats
	consumer *consumer.Worker
	runner   *runner.Worker
	service  *api.Service
	console  *console.Console
	handler  http.Handler
	listener net.Listener
	tls      *tls.Config // nil: no TLS
	// metrics and its listener are nil if no metrics are served.
	// network says since when our own network seems to be down for this process.
	network         func() (since time.Time, down bool)
	metrics         *metrics.Metrics
	metricsListener net.Listener
	password        string
	created         bool
	ready           chan struct{}
	stopping        atomic.Bool
	// closers are run by Close, last in first out.
	closers []func() error
}

// New opens all that the process needs: NATS, Redis, the address of the API, and the first account. Its errors are for
// the person who starts the process. Run or Close the app after use.
func New(ctx context.Context, o Options) (_ *App, err error) {
	a := &App{options: o, ready: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.tls, err = serverTLS(o); err != nil {
		return nil, err
	}
	if o.HTTP != "" {
		if a.listener, err = net.Listen("tcp", o.HTTP); err != nil {
			return nil, fmt.Errorf("listen on %s for the API: %w; choose another with --http", o.HTTP, err)
		}
		a.closing(func() error {
			if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	if err := openData(o.Data); err != nil {
		return nil, err
	}
	ackWait := o.Timeout + defaults.AckGrace
	a.broker, err = broker.Open(ctx, broker.Options{
		URL: o.NATSURL, Login: o.NATSLogin, Listen: o.NATSListen, TLS: a.tls, Server: o.NATSServer, Sync: o.NATSSync, Dir: o.Data, Replicas: o.Replicas, Retention: o.Retention, MaxBytes: o.MaxStore,
		Publishers: defaults.Publishers, PublishersEach: defaults.PublishersEach,
		AckWait: ackWait, Look: o.Sweep, Log: o.Log.Named("broker"),
	})
	if err != nil {
		return nil, err
	}
	a.closing(func() error { a.broker.Close(); return nil })
	if err := a.openMetrics(); err != nil {
		return nil, err
	}
	agreed, err := a.broker.Agree(ctx, broker.Settings{Events: o.Events, Patience: broker.Patience{
		ReplayWindow: o.ReplayWindow, DeactivateAfter: o.DeactivateAfter, DeactivateAttempts: o.DeactivateAttempts,
	}})
	if err != nil {
		return nil, err
	}
	a.options.ReplayWindow, a.options.DeactivateAfter, a.options.DeactivateAttempts = agreed.ReplayWindow, agreed.DeactivateAfter, agreed.DeactivateAttempts
	if kept := a.broker.Retention(); kept > 0 {
		a.options.Retention = kept
	}
	if err := a.openRegistry(ctx); err != nil {
		return nil, err
	}
	if err := a.openAccounts(ctx); err != nil {
		return nil, err
	}
	a.broker.Admit(a.gate())
	a.wire(ackWait)
	if err := a.openOutlets(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// openRegistry opens the registry with the key that seals secrets, and makes the links that this key signs.
func (a *App) openRegistry(ctx context.Context) error {
	key := a.options.SecretKey
	if key == nil {
		var err error
		if key, err = keyFile(a.options.Data); err != nil {
			return err
		}
	}
	a.key = key
	sealer, err := registry.NewSealer(key)
	if err != nil {
		return err
	}
	a.links = notify.NewLinks(key, a.publicURL())
	a.registry, err = registry.Open(ctx, registry.Options{
		Broker: a.broker, RedisURL: a.options.RedisURL, Redis: a.options.Redis, Shared: a.options.NATSURL != "" || a.options.NATSServer != nil,
		Sealer: sealer, Cache: defaults.CachedPairs, Log: a.options.Log.Named("registry"),
	})
	if err != nil {
		return err
	}
	a.closing(a.registry.Close)
	return nil
}

// openAccounts makes the first account if it is missing.
func (a *App) openAccounts(ctx context.Context) (err error) {
	o := a.options
	a.accounts = registry.NewAccounts(a.broker)
	a.created, a.password, err = a.accounts.Ensure(ctx, o.Account, o.Password)
	if errors.Is(err, registry.ErrPassword) {
		err = fmt.Errorf("--password: %w", err)
	}
	if err != nil {
		return fmt.Errorf("make the first account %s: %w", o.Account, err)
	}
	if o.Password != "" {
		a.password = "" // whoever gave it knows it
	}
	return nil
}

// wire makes the workers, the API and the console of what is open.
func (a *App) wire(ackWait time.Duration) {
	o := a.options
	a.client = delivery.NewClient(delivery.Options{
		Timeout: o.Timeout, ConnectTimeout: o.ConnectTimeout, AllowCIDRs: o.AllowCIDRs, Version: o.Version, Now: a.broker.Now, Dial: o.Dial,
		Own: a.own(), IdleConns: defaults.InFlight,
	})
	a.closing(func() error { a.client.Close(); return nil })
	attempts := delivery.NewLog(a.broker, o.Log.Named("delivery"))
	owner := rand.Text()
	a.stats = stats.New(a.broker, owner, o.Log.Named("stats"))
	// The slowest webhooks are tried once in the longest backoff. What lasts too long is no outage, but a state.
	plain := delivery.NewSender(a.client, attempts, delivery.NewOutages(2*o.BackoffMax+o.Timeout, defaults.OutageTimes*o.DeactivateAfter), a.stats)
	a.network = plain.Outage
	var sender sender = plain
	if a.metrics != nil {
		sender = a.metrics.Sender(plain)
	}
	shared := slots.New(o.MaxInFlight, delivery.InFlight(defaults.InFlight, delivery.OpenFiles()))
	rules := backlog.Rules{
		Backoff: delivery.Backoff{Initial: o.BackoffInitial, Max: o.BackoffMax}, After: o.DeactivateAfter, Attempts: o.DeactivateAttempts,
		Mode: o.Deactivate, FailingAfter: o.FailingAfter, Window: o.ReplayWindow,
	}
	wait := cmp.Or(o.Pull, defaults.Pull)
	a.consumer = consumer.NewWorker(consumer.Options{
		Events: a.broker, Webhooks: a.registry, Sender: sender, Slots: shared,
		Cover:   runner.NewCover(a.broker, rules, o.Log.Named("cover")),
		Rejects: a.broker, Acks: a.broker, Names: a.broker, Now: a.broker.Now, AckWait: ackWait, Grace: o.Grace, Pull: wait,
		Log: o.Log.Named("consumer"),
	})
	a.notices = notify.New(notify.Options{
		Broker: a.broker, Links: a.links, Window: o.ReplayWindow, Retention: o.Retention,
		Every: cmp.Or(o.Sweep, defaults.Tell), Log: o.Log.Named("notify"),
	})
	a.runner = runner.NewWorker(runner.Options{
		Broker: a.broker, Registry: a.registry, Sender: sender, Slots: shared, Notifier: a.notices, Prober: a.client,
		Rules: rules, MaxInFlight: o.MaxInFlight, Grace: o.Grace, Pull: wait, Sweep: cmp.Or(o.Sweep, defaults.Sweep), Owner: owner,
		Log: o.Log.Named("runner"),
	})
	backlogs := replay.NewBacklogs(a.broker, a.registry, rules, o.Retention)
	a.service = api.NewService(api.Options{
		Registry: a.registry, Accounts: a.accounts, Addresses: a.client, Attempts: attempts,
		Backlogs: backlogs, Replays: backlogs, Tester: sender, Prober: a.client, Network: a.broker, Stream: a.broker, Stats: a.stats,
		Publisher: a.broker.JetStream, Key: a.key, Notices: a.notices, Window: o.ReplayWindow, Names: a.broker,
		Proxies: o.Proxies, Limits: o.Limits, Audit: registry.NewAudit(a.broker), Forget: a.broker.ForgetAccount, Log: o.Log.Named("api"),
	})
	a.console = console.New(console.Options{
		Service: a.service, Accounts: a.accounts, Links: a.links, Key: a.key, PublicURL: a.publicURL(), Now: a.broker.Now, Version: o.Version, Log: o.Log.Named("console"),
	})
	mux := http.NewServeMux()
	mux.Handle("/", api.Handler(a.service, a.accounts, a.check, a.broker.Differences, o.Log.Named("api")))
	for _, path := range a.console.Paths() {
		mux.Handle(path, a.console)
	}
	a.handler = a.strict(mux)
	if a.metrics != nil {
		a.handler = a.metrics.Requests(a.handler)
	}
}

// check says why the process cannot do its work at the moment, or nil.
func (a *App) check(ctx context.Context) error {
	if a.stopping.Load() {
		return lifetime.ErrStopped
	}
	return errors.Join(a.broker.Ready(ctx), a.registry.Ready(ctx))
}

// Run delivers and serves until the context ends, and then stops in order: no new requests and events, what is under
// way is finished within the grace, everything is closed. It returns the first error that is not of the stop itself.
func (a *App) Run(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(defaults.HeapGrowth)
	}
	// The index is followed, and attempts are counted, until the workers are done.
	following, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	var followers errgroup.Group
	followers.Go(func() error { return a.registry.Run(following) })
	followers.Go(func() error { return a.stats.Run(following) })
	err := a.work(ctx)
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	// Nothing is lost by what NATS did not take: the events come again.
	if away := a.broker.Flush(flushing); away != nil {
		a.options.Log.Warn("NATS did not take in the last acknowledgements and attempts: some events may be sent twice", zap.Error(away))
	}
	cancel()
	stopFollowing()
	return errors.Join(err, followers.Wait(), a.close())
}

// work runs the workers and the API until the context ends or one of them fails.
func (a *App) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.broker.Run(ctx) })
	select {
	case <-a.registry.Started():
	case <-ctx.Done():
		return group.Wait()
	}
	group.Go(func() error { return a.consumer.Run(ctx) })
	group.Go(func() error { return a.runner.Run(ctx) })
	group.Go(func() error { a.makeGood(ctx); return nil })
	group.Go(func() error { return a.broker.Judge(ctx, a.service.Judge) })
	group.Go(func() error { return a.notices.Run(ctx) })
	for _, o := range a.outlets {
		group.Go(func() error { return o.Run(ctx) })
	}
	if a.listener != nil {
		server, serve := api.NewServer(a.handler), (*http.Server).Serve
		if server.TLSConfig = a.tls.Clone(); a.tls != nil {
			serve = func(s *http.Server, l net.Listener) error { return s.ServeTLS(l, "", "") }
		}
		server.RegisterOnShutdown(a.console.Close)
		group.Go(func() error {
			if err := serve(server, a.bounded(a.listener)); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve the API: %w", err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.options.Grace)
			defer cancel()
			if err := server.Shutdown(grace); err != nil {
				a.options.Log.Warn("requests are cut off: the grace is over", zap.Error(err))
				return server.Close()
			}
			return nil
		})
	}
	a.serveMetrics(ctx, group)
	group.Go(func() error { <-ctx.Done(); a.stopping.Store(true); return nil })
	close(a.ready)
	return group.Wait()
}

// Ready is closed when Run delivers and serves.
func (a *App) Ready() <-chan struct{} { return a.ready }

// HTTP is the address of the API, empty if none is served.
func (a *App) HTTP() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// publicURL is where people reach Saumer.
func (a *App) publicURL() string {
	if a.options.PublicURL != "" || a.listener == nil {
		return a.options.PublicURL
	}
	if a.tls != nil {
		return "https://" + a.listener.Addr().String()
	}
	return "http://" + a.listener.Addr().String()
}

// own are the places where Saumer is reached, host:port each.
func (a *App) own() []string {
	var places []string
	if a.listener != nil {
		places = append(places, a.listener.Addr().String())
	}
	if at := a.Metrics(); at != "" {
		places = append(places, at)
	}
	ports := map[string]string{"http": "80", "https": "443", "nats": "4222", "tls": "4222"}
	for _, raw := range []string{a.publicURL(), a.broker.Embedded()} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			places = append(places, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), ports[u.Scheme])))
		}
	}
	return places
}

// Links makes and reads the links by which people activate a webhook.
func (a *App) Links() *notify.Links { return a.links }

// NATS is the URL at which publishers reach the embedded NATS, empty if there is none.
func (a *App) NATS() string { return a.broker.Embedded() }

// FirstAccount is the first account; the password is empty unless it was drawn when this process made the account.
func (a *App) FirstAccount() (name, password string, created bool) {
	return a.options.Account, a.password, a.created
}

// Limit sets what an account may do at most that has no limits of its own, also while the app runs.
func (a *App) Limit(l registry.Limits) { a.service.Limit(l) }

// Service is the API without HTTP.
func (a *App) Service() *api.Service { return a.service }

// Registry is the one that the app uses, for tests and for benchmarks.
func (a *App) Registry() *registry.Registry { return a.registry }

// Broker is the way to the streams, for what looks at them from outside, such as tests.
func (a *App) Broker() *broker.Broker { return a.broker }

// Close closes an app that was not run.
func (a *App) Close() error { return a.close() }

func (a *App) closing(f func() error) { a.closers = append(a.closers, f) }

func (a *App) close() error {
	var errs []error
	for len(a.closers) > 0 {
		last := len(a.closers) - 1
		f := a.closers[last]
		a.closers = a.closers[:last]
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}
