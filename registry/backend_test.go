package registry_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	// keys are all keys that the Redis has, and evict makes it lose some.
	keys(t *testing.T) []string
	evict(t *testing.T, keys ...string)
}

// keysOf are the keys that a Redis has, but for those by which it was tried whether it takes writes.
func keysOf(t *testing.T, client redis.UniversalClient) []string {
	t.Helper()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(keys, func(key string) bool { return strings.HasSuffix(key, "!") })
}

func evictFrom(t *testing.T, client redis.UniversalClient, keys []string) {
	t.Helper()
	if err := client.Del(t.Context(), keys...).Err(); err != nil {
		t.Fatal(err)
	}
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
func (i *inProcess) keys(*testing.T) []string {
	return slices.DeleteFunc(i.server.Keys(), func(key string) bool { return strings.HasSuffix(key, "!") })
}

func (i *inProcess) evict(_ *testing.T, keys ...string) {
	for _, key := range keys {
		i.server.Del(key)
	}
}

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

// keys are those of the first node; all have the same.
func (o *own) keys(t *testing.T) []string { return keysOf(t, o.nodes[0].Redis()) }

func (o *own) evict(t *testing.T, keys ...string) {
	for _, node := range o.nodes {
		evictFrom(t, node.Redis(), keys)
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

func (s *server) keys(t *testing.T) []string         { return keysOf(t, s.admin) }
func (s *server) evict(t *testing.T, keys ...string) { evictFrom(t, s.admin, keys) }
