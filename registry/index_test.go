package registry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap/zaptest"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// TestIndex is the one suite for all indexes: on a Redis that the nodes share, and in each node.
func TestIndex(t *testing.T) {
	t.Parallel()
	t.Run("a small server", func(t *testing.T) {
		t.Parallel()
		suite(t, func(t *testing.T) backend { return startInProcess(t) })
	})
	t.Run("each node's own", func(t *testing.T) {
		t.Parallel()
		suite(t, func(*testing.T) backend { return &own{} })
		t.Run("is not asked", func(t *testing.T) { t.Parallel(); notAsked(t) })
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("redis-server"); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal("there is no redis-server, which CI needs")
			}
			t.Skip("THERE IS NO redis-server: the index is not tested on a real one")
		}
		suite(t, func(t *testing.T) backend { return startServer(t) })
		t.Run("killed and restarted empty", func(t *testing.T) { t.Parallel(); killed(t) })
		t.Run("takes no writes", func(t *testing.T) { t.Parallel(); refused(t) })
		t.Run("takes no writes in the middle of a change", func(t *testing.T) { t.Parallel(); goneMeanwhile(t) })
		t.Run("takes no writes in the middle of a creation", func(t *testing.T) { t.Parallel(); createdMeanwhile(t) })
		t.Run("is away", func(t *testing.T) { t.Parallel(); away(t) })
		t.Run("does not answer", func(t *testing.T) { t.Parallel(); silent(t) })
		t.Run("evicts", func(t *testing.T) { t.Parallel(); warned(t) })
		t.Run("rolled back to a snapshot", func(t *testing.T) { t.Parallel(); rolledBack(t) })
	})
}

func suite(t *testing.T, start func(*testing.T) backend) {
	for name, test := range map[string]func(*testing.T, backend){
		"a change shows when its writer returns": changesShow,
		"ids are never reused":                   idsIncrease,
		"what is lost is made again":             lossHeals,
		"lost under load":                        lossUnderLoad,
		"no update is lost":                      updatesAdd,
		"two nodes see each other's changes":     twoNodes,
		"records of a newer version":             newerRecords,
		"evicted keys are read again":            evictedKeys,
		"several events":                         severalEvents,
		"evicted keys and then a change":         evictedAndChanged,
		"evicted keys and then a start":          evictedAndStarted,
		"a change costs one record":              changesCostOne,
		"many changes at once":                   changesAtOnce,
		"changes under look-ups":                 changesUnderLookups,
		"the journal is removed and made again":  journalRemoved,
		"a restored journal":                     restored,
		"a journal restored under the processes": restoredUnder,
		"a restored journal that has caught up":  caughtUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

const demo, optin = "demo", "optin_finalized"

var pair = registry.Pair{Account: demo, Event: optin}

func changesShow(t *testing.T, b backend) {
	n := newNode(t, openBroker(t), b)
	w := n.create(t, "http://a.example/")
	if got := n.urls(t); len(got) != 1 || got[0] != w.URL {
		t.Errorf("after Create, look-up finds %v", got)
	}
	if _, err := n.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.URL = "http://b.example/"; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := n.urls(t); len(got) != 1 || got[0] != "http://b.example/" {
		t.Errorf("after Update, look-up finds %v", got)
	}
	wrong := errors.New("wrong")
	if _, err := n.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.URL = "http://c.example/"; return wrong }); !errors.Is(err, wrong) {
		t.Errorf("an update whose change fails returns %v", err)
	}
	if err := n.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	if got := n.urls(t); len(got) != 0 || !n.Deleted(w.Key()) {
		t.Errorf("after Delete, look-up finds %v, deleted %v", got, n.Deleted(w.Key()))
	}
	if _, err := n.Get(t.Context(), w.Key()); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("after Delete, Get returns %v", err)
	}
	if err := n.Delete(t.Context(), w.Key()); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("a second Delete returns %v", err)
	}
}

func idsIncrease(t *testing.T, b backend) {
	n := newNode(t, openBroker(t), b)
	last := uint64(0)
	for range 5 {
		w := n.create(t, "http://a.example/")
		if w.ID <= last {
			t.Errorf("id %d after %d", w.ID, last)
		}
		last = w.ID
		if err := n.Delete(t.Context(), w.Key()); err != nil {
			t.Fatal(err)
		}
	}
}

func lossHeals(t *testing.T, b backend) {
	n := newNode(t, openBroker(t), b)
	for i := range 20 {
		n.create(t, fmt.Sprintf("http://a.example/%d", i))
	}
	b.lose(t)
	if got := n.urls(t); len(got) != 20 {
		t.Errorf("after the loss, look-up finds %d webhooks, want 20", len(got))
	}
	b.lose(t)
	// The first thing after a loss is a change: it must not make the rest look complete.
	n.create(t, "http://a.example/new")
	if got := n.urls(t); len(got) != 21 {
		t.Errorf("after a loss and a change, look-up finds %d webhooks, want 21", len(got))
	}
}

func lossUnderLoad(t *testing.T, b backend) {
	n := newNode(t, openBroker(t), b)
	const start = 5
	for i := range start {
		n.create(t, fmt.Sprintf("http://a.example/%d", i))
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			n.create(t, fmt.Sprintf("http://b.example/%d", i))
		}
	})
	wg.Go(func() {
		for range 20 {
			b.lose(t)
		}
	})
	wg.Go(func() {
		for range 200 {
			found, err := n.Lookup(t.Context(), []registry.Pair{pair})
			if err == nil && len(found[pair]) < start {
				t.Errorf("look-up finds %d webhooks of at least %d", len(found[pair]), start)
			}
		}
	})
	wg.Wait()
	if got := n.urls(t); len(got) != start+20 {
		t.Errorf("in the end look-up finds %d webhooks, want %d", len(got), start+20)
	}
}

func updatesAdd(t *testing.T, b backend) {
	br := openBroker(t)
	n := newNode(t, br, b)
	w := n.create(t, "http://a.example/")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				if _, err := n.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.Settings.MaxInFlight++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := n.Get(t.Context(), w.Key())
	if err != nil || got.Settings.MaxInFlight != 100 {
		t.Errorf("after 100 increments: %d, error %v", got.Settings.MaxInFlight, err)
	}
}

func twoNodes(t *testing.T, b backend) {
	br := openBroker(t)
	one, two := newNode(t, br, b), newNode(t, br, b)
	for i := range 10 {
		w := one.create(t, fmt.Sprintf("http://a.example/%d", i))
		if got := two.urls(t); len(got) != i+1 {
			t.Fatalf("the other node finds %d webhooks, want %d", len(got), i+1)
		}
		if _, err := two.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.App = "changed"; return nil }); err != nil {
			t.Fatal(err)
		}
		found, err := one.Lookup(t.Context(), []registry.Pair{pair})
		if err != nil || found[pair][i].Webhook.App != "changed" {
			t.Fatalf("the first node does not see the other's change, error %v", err)
		}
	}
}

func newerRecords(t *testing.T, b backend) {
	br := openBroker(t)
	n := newNode(t, br, b)
	n.create(t, "http://a.example/")
	for key, record := range map[string]string{"demo.900": `{"v":99,"id":900}`, "demo.901": `not JSON`, "demo.902": ``} {
		overwrite(t, br, key, record)
	}
	second := n.create(t, "http://b.example/") // by its return the node has seen the others
	if got := n.urls(t); len(got) != 2 {
		t.Errorf("look-up finds %v beside records that cannot be read", got)
	}
	if _, err := n.Get(t.Context(), "demo.900"); !errors.Is(err, record.ErrNewer) {
		t.Errorf("a newer record: %v", err)
	}
	b.lose(t)
	if got := n.urls(t); len(got) != 2 {
		t.Errorf("after a loss, look-up finds %v beside records that cannot be read", got)
	}
	// One whose event is known is nobody's here: its events are to be left to a newer node.
	overwrite(t, br, "demo.950", `{"v":99,"event":"optin_finalized","more":[]}`)
	n.create(t, "http://c.example/")
	for _, lost := range []bool{false, true} {
		if lost {
			b.lose(t)
		}
		found, err := n.Lookup(t.Context(), []registry.Pair{pair})
		if err != nil {
			t.Fatal(err)
		}
		known, unknown := 0, 0
		for _, s := range found[pair] {
			if s.Newer {
				unknown++
			} else {
				known++
			}
		}
		if known != 3 || unknown != 1 {
			t.Errorf("look-up finds %d webhooks and %d of a newer version, want 3 and 1 (Redis lost: %v)", known, unknown, lost)
		}
	}
	// One that becomes unreadable leaves the index, as it would if the journal were read again; one whose secrets do not
	// open stays, for its backlog.
	first, err := br.Webhooks.Get(t.Context(), "demo.1")
	if err != nil {
		t.Fatal(err)
	}
	for record, want := range map[string]int{`broken`: 2, string(first.Value[:len(first.Value)-1]) + `,"secrets":["AAAA"]}`: 3} {
		overwrite(t, br, "demo.1", record)
		// By its return the node has seen it.
		if _, err := n.Update(t.Context(), second.Key(), func(*registry.Webhook) error { return nil }); err != nil {
			t.Fatal(err)
		}
		found, err := n.Lookup(t.Context(), []registry.Pair{pair})
		if err != nil {
			t.Fatal(err)
		}
		known := 0
		for _, s := range found[pair] {
			if !s.Newer {
				known++
			}
			if s.Locked != (s.Webhook.ID == 1) && !s.Newer {
				t.Errorf("webhook %d is locked: %v", s.Webhook.ID, s.Locked)
			}
		}
		if known != want {
			t.Errorf("with the record %.20s look-up finds %d webhooks, want %d", record, known, want)
		}
	}
	entry, err := br.Webhooks.Get(t.Context(), "demo.900")
	if err != nil || string(entry.Value) != `{"v":99,"id":900}` {
		t.Errorf("the newer record was touched: %v", err)
	}
}

func killed(t *testing.T) {
	s := startServer(t)
	n := newNode(t, openBroker(t), s)
	n.create(t, "http://a.example/")
	s.kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := n.Lookup(ctx, []registry.Pair{pair}); err == nil {
		t.Error("look-up without Redis has an answer")
	}
	s.start(t)
	if got := n.eventually(t); len(got) != 1 {
		t.Errorf("after the restart, look-up finds %v", got)
	}
}

func rolledBack(t *testing.T) {
	s := startServer(t)
	n := newNode(t, openBroker(t), s)
	n.create(t, "http://a.example/1")
	if err := s.admin.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w := n.create(t, "http://a.example/2")
	s.kill(t)
	s.start(t)
	if got := n.eventually(t); len(got) != 2 {
		t.Errorf("after the rollback, look-up finds %v", got)
	}
	// A change right after a rollback.
	s.kill(t)
	s.start(t)
	if err := n.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	if got := n.eventually(t); len(got) != 1 {
		t.Errorf("after the rollback and a removal, look-up finds %v", got)
	}
}

// notAsked looks up without Redis only what was looked up before.
func notAsked(t *testing.T) {
	b := &own{}
	n := newNode(t, openBroker(t), b)
	n.create(t, "http://a.example/")
	n.urls(t)
	if err := b.nodes[0].Redis().Close(); err != nil {
		t.Fatal(err)
	}
	if got := n.urls(t); len(got) != 1 {
		t.Errorf("without a question to Redis, look-up finds %v", got)
	}
	other := []registry.Pair{{Account: demo, Event: "optout_finalized"}}
	if _, err := n.Lookup(t.Context(), other); err == nil {
		t.Error("what was never looked up is known without Redis")
	}
}

// node is a registry that follows its journal.
type node struct{ *registry.Registry }

func newNode(t *testing.T, br *broker.Broker, b backend) node {
	t.Helper()
	n, _ := startNode(t, br, b)
	return n
}

// startNode is newNode for a node that may be stopped before the test ends.
func startNode(t *testing.T, br *broker.Broker, b backend) (n node, stop func()) {
	t.Helper()
	sealer, err := registry.NewSealer(make([]byte, registry.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(t.Context(), registry.Options{
		Broker: br, RedisURL: b.url(), Shared: true, Sealer: sealer, Cache: 10, Log: zaptest.NewLogger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.opened(r)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ran, r.Close()); err != nil && !errors.Is(err, redis.ErrClosed) {
			t.Errorf("run and close: %v", err)
		}
	})
	t.Cleanup(stop)
	<-r.Started()
	return node{r}, stop
}

func (n node) create(t *testing.T, url string) registry.Webhook {
	t.Helper()
	w, _, err := n.Create(t.Context(), registry.Webhook{Account: demo, App: "try", Event: optin, URL: url})
	if err != nil {
		t.Error(err)
	}
	return w
}

func (n node) urls(t *testing.T) []string {
	t.Helper()
	found, err := n.Lookup(t.Context(), []registry.Pair{pair})
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, s := range found[pair] {
		urls = append(urls, s.Target.URL)
	}
	return urls
}

// eventually looks up until there is an answer: a Redis that comes back takes a moment.
func (n node) eventually(t *testing.T) []string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, err := n.Lookup(t.Context(), []registry.Pair{pair}); err == nil || time.Now().After(deadline) {
			return n.urls(t)
		}
	}
}

func openBroker(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := broker.Open(t.Context(), broker.Options{
		Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Sync: time.Hour, Log: zaptest.NewLogger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// overwrite writes a webhook's record as some other version might.
func overwrite(t *testing.T, br *broker.Broker, key, data string) {
	t.Helper()
	entry, err := br.Webhooks.Get(t.Context(), key)
	if err != nil && !errors.Is(err, broker.ErrNoKey) {
		t.Fatal(err)
	}
	if _, err := br.Webhooks.Put(t.Context(), key, []byte(data), entry.Revision); err != nil {
		t.Fatal(err)
	}
}
