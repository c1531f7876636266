package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// eventsStream is the stream of events, and buckets are the streams of the buckets that a loss of power may set back.
const eventsStream = "EVENTS"

var buckets = []string{"KV_BACKLOGS", "KV_WEBHOOKS", "KV_POSITIONS"}

// current is the server that runs at the moment.
type current struct {
	mu sync.Mutex
	*server.Server
}

// InProcessConn connects to it.
func (c *current) InProcessConn() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Server.InProcessConn()
}

// serve starts a server on the store of the world.
func (w *world) serve() {
	w.t.Helper()
	s, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: w.dir, NoSigs: true, NoLog: true, SyncInterval: 24 * time.Hour,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		w.t.Fatal("the server is not ready")
	}
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	w.server.Server = s
}

// store is where the server keeps a stream.
func (w *world) store(name string) string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, "jetstream", "*", "streams", name))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("the stream %s is in %v: %v", name, found, err)
	}
	return found[0]
}

// lose copies one of some streams, or has the server start again with those that were copied as they were then, as a loss of
// power does: each stream was synced to the disk at another moment. Others are as they are now, and so is what the nodes
// remember, who live on. In some cases publishers are there before them.
func (w *world) lose(names []string) {
	w.t.Helper()
	left := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return w.copied[name] != "" })
	if len(left) > 0 && (len(w.copied) == 0 || w.rng.IntN(2) == 0) {
		w.copy(left[w.rng.IntN(len(left))])
		return
	}
	for _, n := range w.nodes {
		n.link.cut()
	}
	w.server.Shutdown()
	w.server.WaitForShutdown()
	for _, name := range slices.Sorted(maps.Keys(w.copied)) {
		w.setBack(name)
	}
	w.serve()
	for range w.rng.IntN(3) * w.rng.IntN(8) {
		w.publishFirst()
	}
	for _, n := range w.nodes {
		n.link.rejoin()
	}
	time.Sleep(rejoining)
	for _, n := range w.nodes {
		n.link.slow()
	}
}

// rejoining is the time in which clients connect again.
const rejoining = 3 * time.Second

// copy copies a stream as it is.
func (w *world) copy(name string) {
	w.t.Helper()
	time.Sleep(time.Second) // what is being written is in its file
	w.copied[name] = filepath.Join(w.t.TempDir(), name)
	if err := os.CopyFS(w.copied[name], os.DirFS(w.store(name))); err != nil {
		w.t.Fatal(err)
	}
}

// setBack puts a copy in the place of a stream. That of the events goes back by itself, or with its consumer.
func (w *world) setBack(name string) {
	w.t.Helper()
	to, from := w.store(name), w.copied[name]
	if name == eventsStream && w.rng.IntN(2) == 0 { // the consumer is not set back, but by the server
		to, from = filepath.Join(to, "msgs"), filepath.Join(from, "msgs")
	}
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		w.t.Fatal(err)
	}
	delete(w.copied, name)
	w.setback++
}

// publishFirst publishes an event at NATS itself.
func (w *world) publishFirst() {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		if _, err = js.Publish(w.t.Context(), event.Subject(account.Name, optin), []byte(strconv.Itoa(w.published))); err == nil {
			w.published++
			return
		}
		time.Sleep(100 * time.Millisecond) // its connection is made again
	}
}

// holds is what the stream holds: the positions of the events, by number.
func (w *world) holds() map[int]event.Position {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := js.Stream(w.t.Context(), eventsStream)
	if err != nil {
		w.t.Fatal(err)
	}
	held := map[int]event.Position{}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(w.t.Context(), seq)
		if err != nil {
			w.t.Fatalf("read event %d: %v", seq, err)
		}
		n, err := strconv.Atoi(string(m.Data))
		if err != nil {
			w.t.Fatal(err)
		}
		held[n] = event.Position{Seq: seq, Time: m.Time}
	}
	return held
}

// rejoin has a link carry connections again, at first without delays: a client holds a lock while it connects again, and who
// waits for that lock stops virtual time.
func (l *link) rejoin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.quick, l.conns = false, true, nil
}

// slow has a link carry with delays.
func (l *link) slow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quick = false
}

// connect connects the world itself to whatever server runs.
func (w *world) connect() {
	w.t.Helper()
	var err error
	if w.nc, err = nats.Connect("", nats.InProcessServer(w.server), nats.PingInterval(24*time.Hour), nats.MaxReconnects(-1)); err != nil {
		w.t.Fatal(err)
	}
}

// ranges are the open ranges that are left, by webhook.
func (w *world) ranges() string {
	w.t.Helper()
	js, err := jetstream.New(w.nc)
	if err != nil {
		w.t.Fatal(err)
	}
	kv, err := js.KeyValue(w.t.Context(), "WEBHOOKS")
	if err != nil {
		w.t.Fatal(err)
	}
	var left []string
	for id := range uint64(webhooks) {
		var webhook registry.Webhook
		entry, err := kv.Get(w.t.Context(), registry.Key(account.Name, id+1))
		if err == nil {
			err = json.Unmarshal(entry.Value(), &webhook)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if known, open := webhook.Opened(); open {
			left = append(left, fmt.Sprintf("%d: from %d on", webhook.ID, known.From))
		}
	}
	return strings.Join(left, ", ")
}
