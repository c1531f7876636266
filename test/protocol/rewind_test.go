package protocol

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

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

// events is where the server keeps the stream of events.
func (w *world) events() string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, "jetstream", "*", "streams", "EVENTS"))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("the stream of events is in %v: %v", found, err)
	}
	return found[0]
}

// rewind has the server start again with the stream of events as it was when it was last copied: by itself, or with its
// consumer. All buckets are as they are now, and so is what the nodes remember, who live on. In some cases publishers are
// there before them, and their events get the sequences of those that are gone.
func (w *world) rewind() {
	w.t.Helper()
	if w.copied == "" {
		w.copyEvents()
		return
	}
	whole := w.rng.IntN(2) == 0
	for _, n := range w.nodes {
		n.link.cut()
	}
	w.server.Shutdown()
	w.server.WaitForShutdown()
	to, from := w.events(), w.copied
	if !whole { // the consumer is not set back, but by the server
		to, from = filepath.Join(to, "msgs"), filepath.Join(from, "msgs")
	}
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		w.t.Fatal(err)
	}
	w.serve()
	w.rewinds++
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
	w.copied = ""
}

// rejoining is the time in which clients connect again.
const rejoining = 3 * time.Second

// copyEvents copies the stream of events as it is.
func (w *world) copyEvents() {
	w.t.Helper()
	time.Sleep(time.Second) // what is being written is in its file
	w.copied = filepath.Join(w.t.TempDir(), "EVENTS")
	if err := os.CopyFS(w.copied, os.DirFS(w.events())); err != nil {
		w.t.Fatal(err)
	}
}

// publishFirst publishes an event at NATS itself.
func (w *world) publishFirst() {
	w.t.Helper()
	js, err := jetstream.New(w.journal.nc)
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
	js, err := jetstream.New(w.journal.nc)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := js.Stream(w.t.Context(), "EVENTS")
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
