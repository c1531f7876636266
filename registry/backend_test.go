package registry_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/saumer/saumer/registry"
)

// backend is the Redis that the suite runs against.
type backend interface {
	// url is that of a Redis which nodes share, empty if each has its own.
	url() string
	// opened is told of each node.
	opened(r *registry.Registry)
	// lose makes the Redis lose all that it holds.
	lose(t *testing.T)
}

// inProcess is a small Redis server in the test's process.
type inProcess struct{ server *miniredis.Miniredis }

func startInProcess(t *testing.T) *inProcess {
	t.Helper()
	return &inProcess{miniredis.RunT(t)}
}

func (i *inProcess) url() string               { return "redis://" + i.server.Addr() }
func (i *inProcess) opened(*registry.Registry) {}
func (i *inProcess) lose(*testing.T)           { i.server.FlushAll() }

// own is that of nodes each of which keeps the index to itself.
type own struct{ nodes []*registry.Registry }

func (o *own) url() string                 { return "" }
func (o *own) opened(r *registry.Registry) { o.nodes = append(o.nodes, r) }

func (o *own) lose(t *testing.T) {
	for _, node := range o.nodes {
		if err := node.Redis().FlushAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
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

func (s *server) url() string               { return "redis://" + s.address }
func (s *server) opened(*registry.Registry) {}

func (s *server) lose(t *testing.T) {
	if err := s.admin.FlushAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}
