package registry_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
)

// journal is a NATS server whose store is copied and put back.
type journal struct {
	t      *testing.T
	dir    string
	port   int
	server *nats.Server
}

func startJournal(t *testing.T) *journal {
	t.Helper()
	j := &journal{t: t, dir: t.TempDir(), port: nats.RANDOM_PORT}
	j.start()
	t.Cleanup(j.stop)
	return j
}

func (j *journal) start() {
	j.t.Helper()
	s, err := nats.NewServer(&nats.Options{Host: "127.0.0.1", Port: j.port, JetStream: true, StoreDir: filepath.Join(j.dir, "store"), NoSigs: true})
	if err != nil {
		j.t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		j.t.Fatal("the NATS server is not ready")
	}
	address, ok := s.Addr().(*net.TCPAddr)
	if !ok {
		j.t.Fatalf("the NATS server listens on %v", s.Addr())
	}
	j.server, j.port = s, address.Port
}

func (j *journal) stop() {
	j.server.Shutdown()
	j.server.WaitForShutdown()
}

// copy keeps the store as it is.
func (j *journal) copy(name string) {
	j.t.Helper()
	j.stop()
	if err := os.CopyFS(filepath.Join(j.dir, name), os.DirFS(filepath.Join(j.dir, "store"))); err != nil {
		j.t.Fatal(err)
	}
	j.start()
}

// restore puts a copy back.
func (j *journal) restore(name string) {
	j.t.Helper()
	j.stop()
	if err := os.RemoveAll(filepath.Join(j.dir, "store")); err != nil {
		j.t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(j.dir, "store"), os.DirFS(filepath.Join(j.dir, name))); err != nil {
		j.t.Fatal(err)
	}
	j.start()
}

// broker connects to the server.
func (j *journal) broker() *broker.Broker {
	j.t.Helper()
	b, err := broker.Open(j.t.Context(), broker.Options{
		URL: j.server.ClientURL(), Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(b.Close)
	return b
}

// past is a journal that is to be restored: changed is in the copy and afterwards gets another URL and secret, removed is in
// the copy and then deleted, and later, of an account of its own, is made after the copy.
type past struct {
	*journal
	changed, removed, later registry.Webhook
	sealed                  string
}

func makePast(t *testing.T, p *past, first node) {
	t.Helper()
	p.changed, p.removed = first.create(t, "http://copied.example/"), first.create(t, "http://removed.example/")
	p.sealed = p.changed.Secrets[0]
	p.copy("copy")
	first.eventually(t)
	if err := first.Delete(t.Context(), p.removed.Key()); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := first.Rotate(t.Context(), p.changed.Key()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := first.Update(t.Context(), p.changed.Key(), func(w *registry.Webhook) error { w.URL = "http://changed.example/"; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if p.later, _, err = first.Create(t.Context(), registry.Webhook{Account: "later", App: "try", Event: optin, URL: "http://later.example/"}); err != nil {
		t.Fatal(err)
	}
	if got := first.urls(t); len(got) != 1 || got[0] != "http://changed.example/" {
		t.Fatalf("before the restore, look-up finds %v", got)
	}
}

var laterPair = registry.Pair{Account: "later", Event: optin}

// check makes sure that a node answers by the restored journal, and by each change of it. Known says whether the highest id
// is known that was given before the restore.
func (p *past) check(n node, known bool, added ...string) {
	p.t.Helper()
	n.eventually(p.t)
	found, err := n.Lookup(p.t.Context(), []registry.Pair{pair, laterPair})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(found[laterPair]) != 0 {
		p.t.Error("look-up finds a webhook that the journal does not have")
	}
	want := append([]string{"http://copied.example/", "http://removed.example/"}, added...)
	for i, s := range found[pair] {
		if i >= len(want) || s.Webhook.URL != want[i] {
			p.t.Errorf("look-up finds %s", s.Webhook.URL)
		}
		if s.Webhook.ID == p.changed.ID && (s.Webhook.Secrets[0] != p.sealed || len(s.Webhook.Secrets) != 1) {
			p.t.Error("look-up finds a secret that the journal does not have")
		}
		if n.Deleted(s.Webhook.Key()) {
			p.t.Errorf("the webhook %s is in the journal, and is said to be deleted", s.Webhook.Key())
		}
	}
	if len(found[pair]) != len(want) {
		p.t.Errorf("look-up finds %d webhooks, want %v", len(found[pair]), want)
	}
	w := n.create(p.t, "http://new.example/")
	if known && w.ID <= p.later.ID {
		p.t.Errorf("the id %d was given again after %d", w.ID, p.later.ID)
	}
	if got := n.urls(p.t); len(got) != len(want)+1 {
		p.t.Errorf("after a new webhook, look-up finds %v", got)
	}
	if err := n.Delete(p.t.Context(), w.Key()); err != nil {
		p.t.Fatal(err)
	}
	if got := n.urls(p.t); len(got) != len(want) {
		p.t.Errorf("after a removal, look-up finds %v", got)
	}
}

// restored puts the journal back while no process runs: the first time only that, then with an index that has lost its mark,
// and then with one that has lost all but the account which the copy does not have.
func restored(t *testing.T, b backend) {
	p := &past{journal: startJournal(t)}
	n, stop := startNode(t, p.broker(), b)
	makePast(t, p, n)
	stop()
	for _, evicted := range []string{"", "mark", "{demo}"} {
		p.restore("copy")
		if b.url() != "" {
			for _, key := range b.keys(t) {
				if evicted != "" && (strings.HasSuffix(key, "mark") || strings.Contains(key, evicted)) {
					b.evict(t, key)
				}
			}
		}
		n, stop = startNode(t, p.broker(), b)
		p.check(n, b.url() != "")
		stop()
	}
}

// restoredUnder puts the journal back under three processes.
func restoredUnder(t *testing.T, b backend) {
	p := &past{journal: startJournal(t)}
	br := p.broker()
	nodes := []node{newNode(t, br, b), newNode(t, br, b), newNode(t, p.broker(), b)}
	makePast(t, p, nodes[0])
	for range 2 {
		p.restore("copy")
		for _, n := range nodes {
			p.check(n, true)
		}
	}
}

// caughtUp puts the journal back, which then gets as many changes as it had before a process of this version looks.
func caughtUp(t *testing.T, b backend) {
	p := &past{journal: startJournal(t)}
	n, stop := startNode(t, p.broker(), b)
	makePast(t, p, n)
	stop()
	p.restore("copy")
	br := p.broker()
	for range 50 {
		overwrite(t, br, "fourth.1000", "unreadable")
	}
	n, _ = startNode(t, br, b)
	p.check(n, b.url() != "")
}
