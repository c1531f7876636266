package broker

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"golang.org/x/mod/semver"

	"github.com/saumer/saumer/durable"
)

// inProcessPing is how often the two ends of an in-process connection ask each other for a sign of life: such a connection
// does not go silent, it ends with the server.
const inProcessPing = time.Hour

type embedded struct {
	server     *server.Server
	publishers *publishers
	lock       *flock.Flock
	// store is the server's directory, machine tells whether the power was lost under it.
	store   string
	machine *machine
	once    sync.Once
	// kept has the disk write what the API confirms.
	kept keeper
}

// machineOf is the machine of the embedded server, nil if there is none.
func (e *embedded) machineOf() *machine {
	if e == nil {
		return nil
	}
	return e.machine
}

func startEmbedded(o Options) (*embedded, error) {
	dir := filepath.Join(o.Dir, "nats")
	if err := durable.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("make the data directory %s: %w; choose another with --data", o.Dir, err)
	}
	lock := flock.New(filepath.Join(o.Dir, "lock"))
	switch held, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the data directory %s: %w; choose another with --data", o.Dir, err)
	case !held:
		return nil, fmt.Errorf("the data directory %s is in use by another saumer; choose another with --data", o.Dir)
	}
	e := &embedded{publishers: newPublishers(o), lock: lock, store: dir}
	e.kept.sync = durable.SyncTree
	options := &server.Options{
		ServerName: "saumer",
		JetStream:  true,
		StoreDir:   dir,
		// An event may have the full size and headers besides.
		MaxPayload:   1<<20 + 64<<10,
		SyncInterval: o.Sync, // 0 is NATS' default
		SyncAlways:   o.Sync == 0,
		NoSigs:       true,
		// Acknowledgements have a subject each, so that what is kept of them is never found again.
		NoSublistCache: true,
		// Who may do what is decided by the process itself.
		CustomClientAuthentication: e.publishers,
		AuthTimeout:                loginTime.Seconds(),
		MaxConn:                    e.publishers.all + insideMost,
	}
	var err error
	if e.machine, err = startMachine(o.Dir, o.Sync); err != nil {
		e.stop()
		return nil, err
	}
	if options.TLSConfig = o.TLS.Clone(); o.TLS != nil {
		options.TLSTimeout = loginTime.Seconds()
	}
	if o.Listen == "" {
		options.DontListen, options.PingInterval = true, inProcessPing
	} else if err := listen(options, o.Listen); err != nil {
		e.stop()
		return nil, err
	}
	if e.server, err = server.NewServer(options); err != nil {
		e.stop()
		return nil, fmt.Errorf("make the embedded NATS: %w", err)
	}
	e.server.SetLoggerV2(serverLog{o.Log.Named("nats")}, false, false, false)
	go e.server.Start()
	if !e.server.ReadyForConnections(30 * time.Second) {
		e.stop()
		return nil, fmt.Errorf("the embedded NATS in %s was not ready after 30 s; its warnings are in the log", dir)
	}
	return e, nil
}

// listen fills in host and port, and tries them first: the server itself would only log that they are taken.
func listen(options *server.Options, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the address %q of --nats-listen is not host:port: %w", address, err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for publishers on %s: %w; choose another with --nats-listen", address, err)
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("try the address %s: %w", address, err)
	}
	options.Host = host
	// A port may be a name, which Listen took too.
	if options.Port, err = net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("the port of --nats-listen %q: %w", address, err)
	}
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return nil
}

// stop is idempotent.
func (e *embedded) stop() { e.once.Do(e.shutdown) }

func (e *embedded) shutdown() {
	e.publishers.close()
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
		if err := e.machine.stopped(e.store); err != nil {
			e.server.Warnf("the stop counts as a loss of power: %v", err)
		}
	}
	// The lock goes with the process in any case.
	if err := e.lock.Unlock(); err != nil && e.server != nil {
		e.server.Warnf("unlock the data directory: %v", err)
	}
}

// serverLog passes the embedded server's warnings and errors on.
type serverLog struct{ log *zap.Logger }

var _ server.Logger = serverLog{}

func (l serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(string, ...any)           {}
func (l serverLog) Tracef(string, ...any)           {}

// redact leaves user and password out of a list of NATS URLs.
func redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		u, err := url.Parse(strings.TrimSpace(p))
		if err != nil {
			parts[i] = "(unreadable URL)"
			continue
		}
		u.User = nil
		parts[i] = u.String()
	}
	return strings.Join(parts, ",")
}

// OlderThan compares server versions, such as 2.11.4 and 2.12.0-RC.1. A pre-release counts as its release.
func OlderThan(version, minimum string) bool {
	release, _, _ := strings.Cut(version, "-")
	v := "v" + release
	return semver.IsValid(v) && semver.Compare(v, "v"+minimum) < 0
}
