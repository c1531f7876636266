// Package virtual tells stories of days and weeks in seconds: the whole of Saumer, with its NATS, its Redis and a
// receiver, in the virtual time of a testing/synctest bubble.
package virtual

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/nats-io/nats-server/v2/server"
	_ "github.com/nats-io/nats-server/v2/server/ats" // its clock
	"go.uber.org/zap/zaptest"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// nats-server asks one clock for the whole process how old a message is. Its goroutine must not be made in a bubble, and
// outside it would tell the real time. So the goroutine is kept from starting, as if somebody had it already, and each
// bubble sets the clock itself.
//
//go:linkname accessTime github.com/nats-io/nats-server/v2/server/ats.utime
var accessTime atomic.Int64

//go:linkname accessUsers github.com/nats-io/nats-server/v2/server/ats.refs
var accessUsers atomic.Int64

// nats-server reads its process' CPU and memory from the system every ten seconds, for a report that nobody here reads: a
// fifth of what a virtual day costs.
//
//go:linkname statusInterval github.com/nats-io/nats-server/v2/server.statsHBInterval
var statusInterval time.Duration

// forgetEvery sets how often a server looks which of its log lines may be repeated. It does so every second otherwise, and
// is most of what there is to do in a quiet world.
//
//go:linkname forgetEvery github.com/nats-io/nats-server/v2/server.(*Server).changeRateLimitLogInterval
func forgetEvery(s *server.Server, interval time.Duration)

func TestMain(m *testing.M) {
	accessUsers.Add(1)
	statusInterval = day
	_, _ = net.LookupHost("localhost") // the resolver's state is to be made outside; whether it finds anything does not matter
	os.Exit(m.Run())
}

// keepClock sets nats-server's clock until the context ends.
func keepClock(ctx context.Context) {
	for {
		accessTime.Store(time.Now().UnixNano())
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Minute):
		}
	}
}

// world is Saumer with one receiver.
type world struct {
	t        *testing.T
	app      *app.App
	receiver *receiver
	account  registry.Account
	options  app.Options
	stop     func()
}

const (
	account = "demo"
	optin   = "optin_finalized"
)

// inWorld runs a story in a bubble, beside others.
func inWorld(t *testing.T, change func(*app.Options), story func(w *world)) {
	t.Helper()
	t.Parallel()
	alone(t, change, story)
}

// alone runs a story in a bubble while there is no other: for stories in which the age of messages counts, since the
// clock for that is one for the process.
func alone(t *testing.T, change func(*app.Options), story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		clock, stopClock := context.WithCancel(context.Background())
		defer stopClock()
		accessTime.Store(time.Now().UnixNano())
		go keepClock(clock)
		w := &world{t: t, receiver: newReceiver(), account: registry.Account{Name: account, Operator: true}}
		o := app.Defaults()
		o.Data, o.Account, o.Password = t.TempDir(), account, "correct horse"
		o.NATSSync, o.Pull, o.Sweep, o.Events = 24*time.Hour, 5*time.Minute, 10*time.Minute, []string{optin}
		o.Dial, o.Version, o.Log = w.receiver.dial, "test", zaptest.NewLogger(t)
		if change != nil {
			change(&o)
		}
		w.start(o)
		story(w)
		w.stop()
		w.receiver.close()
	})
}

// restart stops the app and starts it again on the same data.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start(w.options)
}

func (w *world) start(o app.Options) {
	w.t.Helper()
	w.options = o
	a, err := app.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	forgetEvery(a.Broker().InProcess().(*server.Server), time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	<-a.Ready()
	w.app = a
	w.stop = func() {
		w.t.Helper()
		cancel()
		if err := <-ran; err != nil {
			w.t.Errorf("run: %v", err)
		}
	}
}

func (w *world) create() uint64 {
	w.t.Helper()
	return w.createAt("http://receiver.example/hook")
}

func (w *world) createAt(url string) uint64 {
	w.t.Helper()
	created, _, err := w.app.Service().Create(w.t.Context(), w.account, api.CreateInput{App: "tourism", Event: optin, URL: url})
	if err != nil {
		w.t.Fatal(err)
	}
	return created.ID
}

// publish publishes events whose bodies are the numbers [from, to).
func (w *world) publish(from, to int) {
	w.t.Helper()
	for i := from; i < to; i++ {
		if _, err := w.app.Service().Publish(w.t.Context(), w.account, optin, "", []byte(strconv.Itoa(i))); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) status(id uint64) replay.Status {
	w.t.Helper()
	webhooks, err := w.app.Service().List(w.t.Context(), w.account, api.ListFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, webhook := range webhooks.Webhooks {
		if webhook.ID == id {
			return webhook.Status
		}
	}
	w.t.Fatalf("webhook %d is not listed", id)
	return replay.Status{}
}

// activate activates and returns how many events it says will be replayed.
func (w *world) activate(id uint64, replayEvents bool) uint64 {
	w.t.Helper()
	_, n, err := w.app.Service().Activate(w.t.Context(), w.account, id, replayEvents)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// got checks that exactly these events came, each once, apart from those in doubles, in whatever order.
func (w *world) got(numbers ...[2]int) {
	w.t.Helper()
	var want []string
	for _, r := range numbers {
		for i := r[0]; i < r[1]; i++ {
			want = append(want, strconv.Itoa(i))
		}
	}
	got := w.receiver.bodies()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.t.Errorf("got %d deliveries, want %d: %s", len(got), len(want), difference(got, want))
	}
}

func difference(got, want []string) string {
	count := map[string]int{}
	for _, g := range got {
		count[g]++
	}
	for _, x := range want {
		count[x]--
	}
	var missing, extra []string
	for body, n := range count {
		switch {
		case n < 0:
			missing = append(missing, body)
		case n > 0:
			extra = append(extra, fmt.Sprintf("%s (+%d)", body, n))
		}
	}
	slices.Sort(missing)
	slices.Sort(extra)
	return fmt.Sprintf("missing %v, too many %v", missing, extra)
}

// receiver is an endpoint over in-memory connections.
type receiver struct {
	server http.Server
	conns  chan net.Conn

	mu       sync.Mutex
	down     bool
	dead     []string // the only addresses that are down
	takes    func(path string) time.Duration
	answer   func(body string) int
	received []string
	attempts int
	open     []net.Conn
	headers  []http.Header
}

func newReceiver() *receiver {
	r := &receiver{conns: make(chan net.Conn), answer: func(string) int { return http.StatusOK }, takes: func(string) time.Duration { return 0 }}
	r.server.Handler = r
	go func() { _ = r.server.Serve(r) }() // it ends with http.ErrServerClosed
	return r
}

func (r *receiver) Accept() (net.Conn, error) {
	conn, ok := <-r.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (r *receiver) Close() error   { return nil }
func (r *receiver) Addr() net.Addr { return &net.UnixAddr{Name: "receiver"} }

func (r *receiver) close() {
	close(r.conns)
	r.goes(true)
}

func (r *receiver) dial(_ context.Context, _, address string) (net.Conn, error) {
	r.mu.Lock()
	down := r.down || slices.Contains(r.dead, address)
	if down {
		r.attempts++
	}
	r.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	r.mu.Lock()
	r.open = append(r.open, theirs)
	r.mu.Unlock()
	r.conns <- theirs
	return ours, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	select {
	case <-time.After(r.takes(req.URL.Path)):
	case <-req.Context().Done():
		return
	}
	r.mu.Lock()
	r.attempts++
	status := r.answer(string(body))
	if status > 0 && status < 300 {
		r.received = append(r.received, string(body))
		r.headers = append(r.headers, req.Header.Clone())
	}
	r.mu.Unlock()
	if status < 0 {
		r.misbehave(w, req, status)
		return
	}
	w.WriteHeader(status)
}

// goes says whether the receiver is there; while it is not, connections are refused and those that stand are cut.
func (r *receiver) goes(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
	if down {
		r.cut()
	}
}

// cut cuts the connections that stand. mu is held.
func (r *receiver) cut() {
	for _, conn := range r.open {
		_ = conn.Close() // a pipe's never fails
	}
	r.open = nil
}

// only says which are the only addresses that are down, if the receiver is there. Connections that stand are cut.
func (r *receiver) only(dead ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = dead
	r.cut()
}

func (r *receiver) answers(status func(body string) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

func (r *receiver) bodies() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// seen are the headers of the deliveries, in order.
func (r *receiver) seen() []http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.headers)
}

func (r *receiver) tried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts
}
