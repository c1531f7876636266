package consumer

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
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
type nobody struct{ b *testing.B }

func (n nobody) Cover(context.Context, string, delivery.Attempt, int) error {
	n.b.Error("an event went to the backlog")
	return nil
}

func (n nobody) Wake(context.Context, string) error { return nil }

// BenchmarkLivePath is all that the live path does for a delivery, besides the request itself.
func BenchmarkLivePath(b *testing.B) {
	store, err := broker.Open(b.Context(), broker.Options{Dir: b.TempDir(), Sync: 10 * time.Second, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	redis, closeRedis := registry.OpenEmbeddedRedis()
	defer func() { _ = closeRedis() }()
	sealer, err := registry.NewSealer(registry.NewKey())
	if err != nil {
		b.Fatal(err)
	}
	webhooks, err := registry.New(store, redis, sealer, 1000, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	followed := make(chan error, 1)
	go func() { followed <- webhooks.Run(ctx) }()
	<-webhooks.Started()
	if _, _, err := webhooks.Create(ctx, registry.Webhook{Account: "demo", Event: "optin_finalized", URL: "http://127.0.0.1/"}); err != nil {
		b.Fatal(err)
	}
	js, err := jetstream.New(store.JetStream.Conn(), jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		if _, err := js.PublishAsync(event.Subject("demo", "optin_finalized"), event.Sample("optin_finalized"), jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	sender := &instant{log: delivery.NewLog(store, zap.NewNop()), all: int64(b.N), done: make(chan struct{})}
	w := NewWorker(Options{
		Events: store.Dispatch, Webhooks: webhooks, Sender: sender, Slots: delivery.NewSlots(64, 8192), Cover: nobody{b}, Rejects: store,
		Now: store.Now, Heartbeat: 2 * time.Second, AckWait: 30 * time.Second, Grace: time.Second, Log: zap.NewNop(),
	})
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	b.ResetTimer()
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	<-sender.done
	b.StopTimer()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	b.ReportMetric(float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())/1e3/float64(b.N), "cpu-µs/op")
	stop()
	if err := <-ran; err != nil {
		b.Fatal(err)
	}
	<-followed
}
