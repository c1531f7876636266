package registry_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saumer/saumer/registry"
)

// refusals are ways in which a Redis takes no writes, and how it takes them again.
var refusals = map[string]struct{ begin, end []string }{
	"a replica": {[]string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
	"full":      {[]string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
}

func (s *server) do(t *testing.T, command []string) {
	t.Helper()
	args := make([]any, len(command))
	for i, c := range command {
		args[i] = c
	}
	if err := s.admin.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// atOnce fails if something took longer than a request may.
func atOnce(t *testing.T, what string, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("%s took %s", what, took)
	}
}

// refused changes webhooks while Redis takes no writes: nothing is begun, look-ups go on, and readiness tells.
func refused(t *testing.T) {
	for name, way := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			n := newNode(t, openBroker(t), s)
			w := n.create(t, "http://a.example/")
			s.do(t, way.begin)
			atOnce(t, "all that is refused", func() { n.refuses(t, w) })
			if got := n.urls(t); len(got) != 1 {
				t.Errorf("look-up finds %v", got)
			}
			s.do(t, way.end)
			if got, err := n.List(t.Context(), demo); err != nil || len(got) != 1 || !got[0].Active || len(got[0].Secrets) != 1 {
				t.Errorf("what was refused was done: %v, %v", got, err)
			}
			n.create(t, "http://b.example/")
			if got := n.urls(t); len(got) != 2 || n.Ready(t.Context()) != nil {
				t.Errorf("once Redis takes writes, look-up finds %v, and readiness is %v", got, n.Ready(t.Context()))
			}
		})
	}
}

// refuses makes sure that nothing is begun.
func (n node) refuses(t *testing.T, w registry.Webhook) {
	t.Helper()
	_, _, create := n.Create(t.Context(), registry.Webhook{Account: demo, App: "try", Event: optin, URL: "http://b.example/"})
	_, update := n.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.Active = false; return nil })
	_, put := n.Put(t.Context(), w)
	_, _, _, rotate := n.Rotate(t.Context(), w.Key())
	for what, err := range map[string]error{"Create": create, "Update": update, "Put": put, "Rotate": rotate, "Delete": n.Delete(t.Context(), w.Key())} {
		if !errors.Is(err, registry.ErrIndex) {
			t.Errorf("%s returns %v, want ErrIndex", what, err)
		}
	}
	if err := n.Ready(t.Context()); err == nil {
		t.Error("the node is ready")
	}
}

// goneMeanwhile has Redis refuse writes after a change was begun: it is answered as made, and look-ups wait for it.
func goneMeanwhile(t *testing.T) {
	s := startServer(t)
	br := openBroker(t)
	n := newNode(t, br, s)
	w := n.create(t, "http://a.example/")
	way := refusals["a replica"]
	var changed registry.Webhook
	var err error
	atOnce(t, "the change", func() {
		changed, err = n.Update(t.Context(), w.Key(), func(w *registry.Webhook) error {
			s.do(t, way.begin)
			w.URL = "http://changed.example/"
			return nil
		})
	})
	if !errors.Is(err, registry.ErrUnindexed) || changed.URL != "http://changed.example/" {
		t.Errorf("the change returns %+v, %v; want ErrUnindexed", changed, err)
	}
	if got, err := n.Get(t.Context(), w.Key()); err != nil || got.URL != changed.URL {
		t.Errorf("the journal has %+v, %v", got, err)
	}
	if found, err := n.Lookup(t.Context(), []registry.Pair{pair}); err == nil {
		t.Errorf("an index that does not follow answers with %v", found)
	}
	if err := n.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "the index has not followed the journal for") || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("readiness says %v", err)
	}
	atOnce(t, "what is refused", func() { n.refuses(t, w) })
	s.do(t, way.end)
	if got := n.eventually(t); len(got) != 1 || got[0] != changed.URL {
		t.Errorf("once Redis takes writes, look-up finds %v", got)
	}
}

// createdMeanwhile is goneMeanwhile for a new webhook: its secret comes with the answer.
func createdMeanwhile(t *testing.T) {
	s := startServer(t)
	n := newNode(t, openBroker(t), s)
	way := refusals["a replica"]
	restore := registry.AtDraw(n.Registry, func() { s.do(t, way.begin) })
	w, secret, err := n.Create(t.Context(), registry.Webhook{Account: demo, App: "try", Event: optin, URL: "http://a.example/"})
	restore()
	if !errors.Is(err, registry.ErrUnindexed) || w.ID == 0 || secret == "" {
		t.Errorf("Create returns %+v, a secret of %d bytes, %v; want ErrUnindexed", w, len(secret), err)
	}
	s.do(t, way.end)
	if got := n.eventually(t); len(got) != 1 {
		t.Errorf("once Redis takes writes, look-up finds %v", got)
	}
}

// away stops Redis altogether.
func away(t *testing.T) {
	s := startServer(t)
	n := newNode(t, openBroker(t), s)
	w := n.create(t, "http://a.example/")
	s.kill(t)
	atOnce(t, "all that is refused", func() { n.refuses(t, w) })
	s.start(t)
	if got := n.eventually(t); len(got) != 1 {
		t.Errorf("after the restart, look-up finds %v", got)
	}
}

// silent is a Redis that takes connections and never answers.
func silent(t *testing.T) {
	s := startServer(t)
	n := newNode(t, openBroker(t), s)
	w := n.create(t, "http://a.example/")
	s.kill(t)
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	atOnce(t, "a change", func() {
		if err := n.Delete(t.Context(), w.Key()); !errors.Is(err, registry.ErrIndex) {
			t.Errorf("Delete returns %v, want ErrIndex", err)
		}
	})
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	s.start(t)
	if got := n.eventually(t); len(got) != 1 {
		t.Errorf("after the restart, look-up finds %v", got)
	}
}

// warned opens a registry on a Redis that evicts, and on one that does not.
func warned(t *testing.T) {
	s := startServer(t)
	for policy, want := range map[string]int{"allkeys-lru": 1, "noeviction": 0, "volatile-ttl": 0} {
		s.do(t, []string{"CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", policy})
		core, lines := observer.New(zap.WarnLevel)
		sealer, err := registry.NewSealer(make([]byte, registry.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		r, err := registry.Open(t.Context(), registry.Options{Broker: openBroker(t), RedisURL: s.url(), Sealer: sealer, Cache: 10, Log: zap.New(core)})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if lines.Len() != want {
			t.Errorf("with the policy %s, %d lines", policy, lines.Len())
		}
	}
}
