package registry_test

import (
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/saumer/saumer/registry"
)

// backend is a Redis that the suite runs against.
type backend interface {
	// client connects; connected is called for each new connection.
	client(t *testing.T, connected func()) redis.UniversalClient
	// lose makes the Redis lose all that it holds.
	lose(t *testing.T)
}

// embedded is the in-process Redis; nodes in one process can share it.
type embedded struct {
	once sync.Once
	c    redis.UniversalClient
}

func (e *embedded) client(t *testing.T, _ func()) redis.UniversalClient {
	t.Helper()
	e.once.Do(func() {
		client, stop := registry.OpenEmbeddedRedis()
		e.c = client
		t.Cleanup(func() {
			if err := stop(); err != nil && !errors.Is(err, redis.ErrClosed) {
				t.Errorf("stop the embedded Redis: %v", err)
			}
		})
	})
	return e.c
}

func (e *embedded) lose(t *testing.T) {
	if err := e.c.FlushAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

// own are in-process Redises, one for each node, to which nobody else writes.
type own struct{ nodes []*embedded }

func (o *own) client(t *testing.T, connected func()) redis.UniversalClient {
	t.Helper()
	e := &embedded{}
	o.nodes = append(o.nodes, e)
	return e.client(t, connected)
}

func (o *own) lose(t *testing.T) {
	for _, e := range o.nodes {
		e.lose(t)
	}
}

// server is a redis-server process of the test's own.
type server struct {
	dir, address string
	admin        *redis.Client
	process      *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: t.TempDir(), address: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.admin = redis.NewClient(&redis.Options{Addr: s.address})
	t.Cleanup(func() { _ = s.admin.Close() })
	s.start(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.process = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", s.dir, "--dbfilename", "dump.rdb", "--logfile", filepath.Join(s.dir, "log"))
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); s.admin.Ping(t.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
}

func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = s.process.Wait() // it was killed, and says so
}

func (s *server) client(t *testing.T, connected func()) redis.UniversalClient {
	t.Helper()
	c, err := registry.OpenRedis(t.Context(), "redis://"+s.address, connected)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *server) lose(t *testing.T) {
	if err := s.admin.FlushAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}
