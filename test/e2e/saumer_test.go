// Package e2e is proof from outside: the built binary, real sockets, signals, an external NATS and Redis.
package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/saumer/saumer/test/process"
)

var binary, natsBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "saumer-e2e")
	if err == nil {
		binary, err = process.Build(dir)
	}
	if err == nil {
		natsBinary, err = process.BuildNATS(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir) // what is left is in the directory for temporary files
	os.Exit(code)
}

// saumer is a process of the built binary, for one test.
type saumer struct {
	*process.Saumer
	t *testing.T
}

// serve starts a process and returns when it is ready. It is killed when the test ends.
func serve(t *testing.T, args ...string) *saumer {
	t.Helper()
	s, err := process.Start(binary, t.TempDir(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("saumer said:\n%s", s.Output())
		}
	})
	return &saumer{s, t}
}

func (s *saumer) await(label string) string {
	s.t.Helper()
	word, err := s.Await(label)
	if err != nil {
		s.t.Fatal(err)
	}
	return word
}

func (s *saumer) stop() {
	s.t.Helper()
	if err := s.Stop(); err != nil {
		s.t.Errorf("stopped with %v", err)
	}
}

func (s *saumer) call(function string, parameters map[string]string, result any) {
	s.t.Helper()
	if err := s.Call(function, parameters, result); err != nil {
		s.t.Fatal(err)
	}
}

func (s *saumer) create(target string) process.Webhook {
	s.t.Helper()
	w, err := s.Create(target)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// until waits until a webhook is as wanted.
func (s *saumer) until(id uint64, what string, wanted func(process.Webhook) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		all, err := s.Webhooks()
		if err != nil {
			s.t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(w process.Webhook) bool { return w.ID == id })
		if i >= 0 && wanted(all[i]) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("webhook %d is not %s after a minute: %+v", id, what, all)
		}
	}
}

// publish publishes events with the bodies [from, to) and the number as id; each is tried until it is stored, as by a
// publisher that wants none lost.
func (s *saumer) publish(from, to int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		for deadline := time.Now().Add(30 * time.Second); ; {
			err := s.Publish(strconv.Itoa(i), strconv.Itoa(i))
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				s.t.Errorf("publish %d: %v", i, err)
				return
			}
		}
	}
}

// natsServer is an external NATS that can be restarted.
type natsServer struct {
	process.NATS
	t *testing.T
}

func startNATS(t *testing.T) *natsServer {
	t.Helper()
	n := &natsServer{process.NATS{Binary: natsBinary, Dir: t.TempDir()}, t}
	n.start()
	t.Cleanup(n.Kill)
	return n
}

func (n *natsServer) start() {
	n.t.Helper()
	if err := n.Start(); err != nil {
		n.t.Fatal(err)
	}
}

// redisServer is a redis-server that can be restarted.
type redisServer struct {
	process.Redis
	t *testing.T
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	process.NeedRedis(t)
	r := &redisServer{process.Redis{Dir: t.TempDir()}, t}
	r.start()
	t.Cleanup(r.Kill)
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	if err := r.Start(); err != nil {
		r.t.Fatal(err)
	}
}
