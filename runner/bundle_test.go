package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/nats-io/nats-server/v2/server"
	_ "github.com/nats-io/nats-server/v2/server/ats" // its clock
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/consumer"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/slots"
)

// nats-server's clock for ages has a goroutine of the whole process, which no bubble can hold; nothing gets old here.
//
//go:linkname accessUsers github.com/nats-io/nats-server/v2/server/ats.refs
var accessUsers atomic.Int64

func TestMain(m *testing.M) {
	accessUsers.Add(1)
	_, _ = net.LookupHost("localhost") // the resolver's state is to be made outside; whether it finds anything does not matter
	os.Exit(m.Run())
}

// world is one process with one webhook, on a NATS of its own, in virtual time. What it delivers to is a script.
type world struct {
	*script
	t        *testing.T
	dir      string
	sealer   *registry.Sealer
	server   *server.Server
	broker   *broker.Broker
	registry *registry.Registry
	store    replay.Store
	backlogs *replay.Backlogs
	options  Options
	cover    *Cover
	key      string
	// stops end what runs, the last first.
	stops     []func()
	published int
}

const optin = "optin_finalized"

// inWorld plays a story; change is what is different about its rules.
func inWorld(t *testing.T, settings registry.Settings, change func(*Options), story func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sealer, err := registry.NewSealer(registry.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, script: newScript(), dir: t.TempDir(), sealer: sealer}
		w.options = Options{
			Sender: w, Notifier: w, Prober: w, Owner: "tested", MaxInFlight: 8, Grace: 10 * time.Second,
			Pull: 30 * time.Second, Sweep: time.Minute, Log: zap.NewNop(),
			Rules: backlog.Rules{
				Backoff: delivery.Backoff{Initial: time.Second, Max: time.Minute}, Mode: backlog.On,
				After: time.Hour, Attempts: 10, FailingAfter: 15 * time.Minute, Window: 24 * time.Hour,
			},
		}
		if change != nil {
			change(&w.options)
		}
		defer w.stop()
		w.start()
		w.create(settings)
		story(w)
	})
}

// create makes the webhook of the story, in the place of the one before.
func (w *world) create(settings registry.Settings) {
	w.t.Helper()
	webhook, _, err := w.registry.Create(w.t.Context(), registry.Webhook{Account: "demo", Event: optin, URL: "http://r.example/", Settings: settings})
	if err != nil {
		w.t.Fatal(err)
	}
	w.key = webhook.Key()
}

// serve starts NATS on what is in the directory.
func (w *world) serve() {
	w.t.Helper()
	var err error
	w.server, err = server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: w.dir, NoSigs: true, NoLog: true, SyncInterval: 24 * time.Hour,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	go w.server.Start()
	if !w.server.ReadyForConnections(10 * time.Second) {
		w.t.Fatal("the server is not ready")
	}
}

// down stops NATS.
func (w *world) down() {
	w.server.Shutdown()
	w.server.WaitForShutdown()
}

// InProcessConn connects to whatever NATS there is at the moment.
func (w *world) InProcessConn() (net.Conn, error) { return w.server.InProcessConn() }

// start starts NATS, the registry and the live path. Backlogs are worked off from work on.
func (w *world) start() {
	w.t.Helper()
	w.serve()
	w.stops = append(w.stops, w.down)
	ctx := w.t.Context()
	var err error
	w.broker, err = broker.Open(ctx, broker.Options{
		Server: w, Replicas: 1, Retention: 30 * 24 * time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.stops = append(w.stops, w.broker.Close)
	if w.registry, err = registry.Open(ctx, registry.Options{Broker: w.broker, Sealer: w.sealer, Cache: 1000, Log: zap.NewNop()}); err != nil {
		w.t.Fatal(err)
	}
	w.stops = append(w.stops, func() {
		if err := w.registry.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.during(w.registry.Run)
	<-w.registry.Started()
	w.store, w.backlogs = replay.NewStore(w.broker), replay.NewBacklogs(w.broker, w.registry, w.options.Rules, 30*24*time.Hour)
	w.options.Broker, w.options.Registry, w.options.Slots = w.broker, w.registry, slots.New(w.options.MaxInFlight, 100)
	w.cover = NewCover(w.broker, w.options.Rules, zap.NewNop())
	w.during(consumer.NewWorker(consumer.Options{
		Events: w.broker, Webhooks: w.registry, Sender: w, Slots: w.options.Slots, Cover: w.cover, Rejects: w.broker, Acks: w.broker,
		Now: w.broker.Now, Pull: 30 * time.Second, AckWait: 30 * time.Second, Grace: 10 * time.Second, Log: zap.NewNop(),
	}).Run)
}

// during runs something until the stop.
func (w *world) during(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	w.stops = append(w.stops, func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// work has a process's worker work backlogs off until the stop.
func (w *world) work() { w.during(NewWorker(w.options).Run) }

// stop ends everything.
func (w *world) stop() {
	for len(w.stops) > 0 {
		last := w.stops[len(w.stops)-1]
		w.stops = w.stops[:len(w.stops)-1]
		last()
	}
}

// run works the backlog off once, as a worker does with a wake.
func (w *world) run() {
	w.t.Helper()
	if err := run(w.t.Context(), w.t.Context(), w.options, w.key); err != nil {
		w.t.Error(err)
	}
}

// runner is one that has begun a pass.
func (w *world) runner(owner string) *runner {
	w.t.Helper()
	o := w.options
	o.Owner = owner
	r := &runner{Options: o, store: w.store, key: w.key, window: 1, attempts: w.t.Context(), log: o.Log}
	if err := r.begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// publish publishes events whose bodies are numbers.
func (w *world) publish(n int) {
	w.t.Helper()
	for range n {
		w.published++
		if _, err := event.Publish(w.t.Context(), w.broker.JetStream, "demo", optin, "", []byte(strconv.Itoa(w.published))); err != nil {
			w.t.Fatal(err)
		}
	}
}

// until lets time go by until something is so.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	pause := 10 * time.Millisecond
	for deadline := time.Now().Add(6 * time.Hour); !is(); pause = min(pause*5/4, 5*time.Second) {
		time.Sleep(pause)
		if time.Now().After(deadline) {
			r, _ := w.record()
			w.t.Fatalf("hours later it is not so that %s: %+v, webhook %+v, got %v", what, r, w.webhook(), w.counts())
		}
	}
}

// settled lets time go by until nothing is outstanding, and each event came as often as is said.
func (w *world) settled(least, most int) {
	w.t.Helper()
	w.calm()
	w.came(1, least, most)
}

// calm lets time go by until nothing is outstanding.
func (w *world) calm() {
	w.t.Helper()
	w.until("nothing is outstanding", func() bool {
		progress, err := w.broker.Progress(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		bounds, err := w.broker.Bounds(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		_, there := w.record()
		return !there && w.opened() == nil && progress.AckFloor == bounds.Last.Seq
	})
}

// came says how often each event from a number on was delivered.
func (w *world) came(from, least, most int) {
	w.t.Helper()
	got := w.counts()
	for n := from; n <= w.published; n++ {
		if c := got[strconv.Itoa(n)]; c < least || c > most {
			w.t.Errorf("event %d of %d was delivered %d times, want %d to %d", n, w.published, c, least, most)
		}
	}
}

// record is the backlog's record; false if there is none.
func (w *world) record() (backlog.Record, bool) {
	w.t.Helper()
	r, _, err := w.store.Load(w.t.Context(), w.key)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		w.t.Fatal(err)
	}
	return r, err == nil
}

// span is the record's open span; zero if there is none.
func (w *world) span() backlog.Span {
	w.t.Helper()
	r, _ := w.record()
	span, _ := r.OpenSpan()
	return span
}

// spanned says whether the webhook is off the live path, by its range and the record.
func (w *world) spanned() bool { return w.span().ID != "" && w.opened() != nil }

// opened is the webhook's open range; nil if there is none.
func (w *world) opened() *registry.Range {
	w.t.Helper()
	webhook := w.webhook()
	if known, open := webhook.Opened(); open {
		return &known
	}
	return nil
}

func (w *world) webhook() registry.Webhook {
	w.t.Helper()
	webhook, err := w.registry.Get(w.t.Context(), w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return webhook
}

// entry is what a bucket holds for the webhook.
func (w *world) entry(b *broker.Bucket) broker.Entry {
	w.t.Helper()
	e, err := b.Get(w.t.Context(), w.key)
	if err != nil && !errors.Is(err, broker.ErrNoKey) {
		w.t.Fatal(err)
	}
	return e
}

// set has a bucket hold something else for the webhook, nothing for none.
func (w *world) set(b *broker.Bucket, value []byte) {
	w.t.Helper()
	for {
		e := w.entry(b)
		var err error
		if value == nil {
			_, err = b.Remove(w.t.Context(), w.key, e.Revision)
		} else {
			_, err = b.Put(w.t.Context(), w.key, value, e.Revision)
		}
		if errors.Is(err, broker.ErrChanged) {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return
	}
}

// script is the endpoint, as a Sender, with the people who are told and the host that is probed. It is safe for concurrent
// use.
type script struct {
	mu sync.Mutex
	// answer says what comes of an attempt; nil: it is delivered. It is called without a lock.
	answer   func(delivery.Request) delivery.Outcome
	takes    time.Duration
	outage   bool
	taken    bool
	reached  bool
	requests []delivery.Request
	logs     []delivery.Attempt
	got      []string
	notices  []backlog.Notice
	buffered []uint64
	probes   int
}

func newScript() *script { return &script{takes: time.Millisecond} }

// answers sets what comes of attempts from now on.
func (s *script) answers(answer func(delivery.Request) delivery.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// slow sets how long attempts take from now on.
func (s *script) slow(takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = takes
}

// reach has the host accept connections from now on.
func (s *script) reach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached = true
}

// sent is how many attempts there were, probed how often the host was tried.
func (s *script) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *script) probed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probes
}

// always is an endpoint that does one thing.
func always(o delivery.Outcome) func(delivery.Request) delivery.Outcome {
	return func(delivery.Request) delivery.Outcome { return o }
}

func (s *script) Attempt(ctx context.Context, _ delivery.Target, r delivery.Request) delivery.Attempt {
	a := delivery.Attempt{Seq: r.Seq, ID: r.ID, Number: r.Number, Published: r.Published, Replay: r.Replay, At: time.Now()}
	s.mu.Lock()
	answer, takes := s.answer, s.takes
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	a.Outcome = delivery.Delivered
	if answer != nil {
		a.Outcome = answer(r)
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		a.Outcome = delivery.Aborted
	}
	a.Duration = time.Since(a.At)
	s.mu.Lock()
	s.logs = append(s.logs, a)
	s.mu.Unlock()
	if a.Outcome == delivery.Delivered {
		s.mu.Lock()
		s.got = append(s.got, string(r.Data))
		s.mu.Unlock()
	} else {
		a.Error = "the script says " + string(a.Outcome)
	}
	return a
}

func (s *script) Outage() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Time{}, s.outage
}

func (s *script) AssumeOutage(time.Time) {}

func (s *script) SucceededSince(context.Context, string, time.Time) (bool, error) {
	return s.taken, nil
}

func (s *script) Untaken(context.Context, string) ([]delivery.Untaken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bySeq := map[uint64]delivery.Untaken{}
	for _, a := range s.logs {
		u, known := bySeq[a.Seq]
		if u.Last = a; !known {
			u.First = a
		}
		bySeq[a.Seq] = u
	}
	for _, a := range s.logs {
		if a.Outcome == delivery.Delivered {
			delete(bySeq, a.Seq)
		}
	}
	return slices.Collect(maps.Values(bySeq)), nil
}

// logged are the entries of the attempt log for an event, newest first.
func (s *script) logged(seq uint64) (entries []delivery.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range slices.Backward(s.logs) {
		if a.Seq == seq {
			entries = append(entries, delivery.Entry{Position: uint64(i), Attempt: a})
		}
	}
	return entries
}

func (s *script) Tell(_ context.Context, _ registry.Webhook, n backlog.Notice, buffered uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices, s.buffered = append(s.notices, n), append(s.buffered, buffered)
	return nil
}

func (s *script) Probe(context.Context, delivery.Target) delivery.Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes++
	if s.reached {
		return delivery.Attempt{Outcome: delivery.Delivered}
	}
	return delivery.Attempt{Outcome: delivery.Refused}
}

// counts are the deliveries by body.
func (s *script) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for _, body := range s.got {
		all[body]++
	}
	return all
}

// attempts are the numbers of the attempts of an event.
func (s *script) attempts(seq uint64) (numbers []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.Seq == seq {
			numbers = append(numbers, r.Number)
		}
	}
	return numbers
}

// told are the kinds of notices that were stored, in order.
func (s *script) told() (kinds []backlog.NoticeKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notices {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

// tells checks what people were told.
func (w *world) tells(want ...backlog.NoticeKind) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, want) {
		w.t.Errorf("people were told %v, want %v", got, want)
	}
}

// number is the event's, by its body.
func number(r delivery.Request) int {
	n, err := strconv.Atoi(string(r.Data))
	if err != nil {
		panic(fmt.Sprintf("the body %q is no number", r.Data))
	}
	return n
}
