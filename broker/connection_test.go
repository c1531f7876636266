package broker

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// gate lets everybody in, or nobody.
type gate struct {
	shut    atomic.Bool
	refused chan struct{}
}

func (g *gate) Check(server.ClientAuthentication) bool {
	if !g.shut.Load() {
		return true
	}
	select {
	case g.refused <- struct{}{}:
	default: // enough were counted
	}
	return false
}

// startServer starts a nats-server in this process.
func startServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.JetStream = "127.0.0.1", server.RANDOM_PORT, true, true
	o.StoreDir = t.TempDir()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

// openAt opens a broker on an external server.
func openAt(t *testing.T, url string) *Broker {
	t.Helper()
	b, err := Open(t.Context(), Options{URL: url, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestRefusedLoginIsTriedAgain(t *testing.T) {
	t.Parallel()
	g := &gate{refused: make(chan struct{}, 100)}
	b := openAt(t, startServer(t, &server.Options{CustomClientAuthentication: g}).ClientURL())
	g.shut.Store(true)
	for _, nc := range []*nats.Conn{b.nc, b.pull} {
		if err := nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
	}
	const tries = 3 // of each connection: without the option, the second ends it
	for range 2 * tries {
		<-g.refused
	}
	connected := []chan nats.Status{b.nc.StatusChanged(nats.CONNECTED), b.pull.StatusChanged(nats.CONNECTED)}
	g.shut.Store(false)
	for _, c := range connected {
		<-c
	}
	if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", []byte("1")); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestConnectionThatIsClosedForGoodEndsRun(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.pull.Close()
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "closed for good") {
		t.Errorf("Run returned %v", err)
	}
}

// While NATS is away, what asks it is told so at once. For a moment it waits, since another server may be there.
func TestRequestsEndAtOnceWhileNATSIsAway(t *testing.T) {
	t.Parallel()
	s := startServer(t, &server.Options{})
	b := openAt(t, s.ClientURL())
	gone := b.nc.StatusChanged(nats.RECONNECTING)
	s.Shutdown()
	<-gone
	long := time.Now().Add(-time.Minute)
	b.broke.Store(&long)
	began := time.Now()
	_, published := b.JetStream.Publish(t.Context(), "events.demo.x", nil)
	_, asked := b.Progress(t.Context())
	_, read := b.Webhooks.Get(t.Context(), "demo.1")
	for what, err := range map[string]error{"published": published, "asked": asked, "read": read, "ready": b.Ready(t.Context())} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the answers took %v", took)
	}
	now := time.Now()
	b.broke.Store(&now)
	if err := b.reachable(); err != nil {
		t.Errorf("a moment after the connection broke: %v", err)
	}
}
