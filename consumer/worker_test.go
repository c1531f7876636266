package consumer

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

// instant delivers at once, and logs as the real sender does.
type instant struct {
	log   *delivery.Log
	count atomic.Int64
	all   int64
	done  chan struct{}
}

func (s *instant) Attempt(_ context.Context, t delivery.Target, r delivery.Request) delivery.Attempt {
	a := delivery.Attempt{Seq: r.Seq, ID: r.ID, Number: r.Number, At: time.Now(), Duration: time.Millisecond, Outcome: delivery.Delivered, Status: 200}
	s.log.Append(t.Key, a)
	if s.count.Add(1) == s.all {
		close(s.done)
	}
	return a
}

// nobody covers nothing: every attempt succeeds.
type nobody struct{ t testing.TB }

func (n nobody) Cover(_ context.Context, key string, attempts []delivery.Attempt, _ int) error {
	// A machine that is short of time makes a webhook slow; that is no event.
	if a := attempts[0]; a.Outcome != delivery.Slow {
		n.t.Errorf("events of %s went to the backlog, the first: %+v", key, a)
	}
	return nil
}

func (n nobody) Wake(context.Context, string) error { return nil }

// live is what the live path needs, with one webhook.
type live struct {
	store    *broker.Broker
	webhooks *registry.Registry
}

func openLive(t testing.TB) *live {
	t.Helper()
	return openLiveAt(t, "")
}

// openLiveAt is openLive with a NATS that listens, over whose socket events come.
func openLiveAt(t testing.TB, listen string) *live {
	t.Helper()
	store, err := broker.Open(t.Context(), broker.Options{
		Listen: listen, Dir: t.TempDir(), Sync: 10 * time.Second, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	sealer, err := registry.NewSealer(registry.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	webhooks, err := registry.Open(t.Context(), registry.Options{Broker: store, Sealer: sealer, Cache: 1000, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := webhooks.Close(); err != nil {
			t.Error(err)
		}
	})
	during(t, webhooks.Run)
	<-webhooks.Started()
	if _, _, err := webhooks.Create(t.Context(), registry.Webhook{Account: "demo", Event: "optin_finalized", URL: "http://127.0.0.1/"}); err != nil {
		t.Fatal(err)
	}
	return &live{store, webhooks}
}

// during runs something until the test is over.
func during(t testing.TB, run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

// run runs a worker until the test is over.
func (l *live) run(t testing.TB, s Sender) {
	during(t, NewWorker(Options{
		Events: l.store, Webhooks: l.webhooks, Sender: s, Slots: slots.New(64, 8192), Cover: nobody{t}, Rejects: l.store, Names: l.store,
		Acks: l.store, Now: l.store.Now, Pull: time.Second, AckWait: 30 * time.Second, Grace: time.Second, Log: zap.NewNop(),
	}).Run)
}

func (l *live) publish(count int, data []byte) error {
	js, err := jetstream.New(l.store.JetStream.Conn(), jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return err
	}
	for range count {
		if _, err := js.PublishAsync(event.Subject("demo", "optin_finalized"), data, jetstream.WithStallWait(time.Minute)); err != nil {
			return err
		}
	}
	<-js.PublishAsyncComplete()
	return nil
}

// BenchmarkLivePath is all that the live path does for a delivery, besides the request itself: fetch, look up, log,
// acknowledge.
func BenchmarkLivePath(b *testing.B) {
	l := openLive(b)
	if err := l.publish(b.N, event.Sample("optin_finalized")); err != nil {
		b.Fatal(err)
	}
	sender := &instant{log: delivery.NewLog(l.store, zap.NewNop()), all: int64(b.N), done: make(chan struct{})}
	b.ReportAllocs()
	b.ResetTimer()
	l.run(b, sender)
	<-sender.done
}

// BenchmarkLookup is the look-up of a batch of events for 100 accounts, where nothing has changed.
func BenchmarkLookup(b *testing.B) {
	l := openLive(b)
	pairs := make([]registry.Pair, 100)
	for i := range pairs {
		pairs[i] = registry.Pair{Account: "a" + strconv.Itoa(i), Event: "optin_finalized"}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.webhooks.Lookup(b.Context(), pairs); err != nil {
			b.Fatal(err)
		}
	}
}
