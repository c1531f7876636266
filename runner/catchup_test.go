package runner

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/slots"
)

// instant delivers at once, and logs as the real sender does.
type instant struct {
	log   *delivery.Log
	count atomic.Int64
}

func (s *instant) Attempt(_ context.Context, t delivery.Target, r delivery.Request) delivery.Attempt {
	a := delivery.Attempt{Seq: r.Seq, ID: r.ID, Number: r.Number, Published: r.Published, At: time.Now(), Duration: time.Millisecond, Outcome: delivery.Delivered, Status: 200}
	s.log.Append(t.Key, a)
	s.count.Add(1)
	return a
}

func (s *instant) AssumeOutage(time.Time) {}

func (s *instant) Outage() (time.Time, bool) { return time.Time{}, false }

func (s *instant) SucceededSince(context.Context, string, time.Time) (bool, error) { return true, nil }

func (s *instant) Untaken(context.Context, string) ([]delivery.Untaken, error) { return nil, nil }

// BenchmarkCatchUp is all that a runner does for a delivery, besides the request itself: read, log, write down how far it is.
func BenchmarkCatchUp(b *testing.B) {
	o := catchUp(b, b.N)
	sender := &instant{log: delivery.NewLog(o.Broker, zap.NewNop())}
	o.Sender = sender
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	if err := run(b.Context(), b.Context(), o, registry.Key("demo", 1)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(time.Microsecond)/float64(b.N), "cpu-µs/op")
	if n := sender.count.Load(); n != int64(b.N) {
		b.Errorf("%d of %d were delivered", n, b.N)
	}
}

// cpu is what this process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// catchUp is what runners need, with a webhook off the live path that has missed some events.
func catchUp(b *testing.B, missed int) Options {
	b.Helper()
	store, err := broker.Open(b.Context(), broker.Options{
		Dir: b.TempDir(), Sync: 10 * time.Second, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Listen: "127.0.0.1:0", Log: zap.NewNop(),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(store.Close)
	sealer, err := registry.NewSealer(registry.NewKey())
	if err != nil {
		b.Fatal(err)
	}
	webhooks, err := registry.Open(b.Context(), registry.Options{Broker: store, Sealer: sealer, Cache: 1000, Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- webhooks.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			b.Error(err)
		}
		if err := webhooks.Close(); err != nil {
			b.Error(err)
		}
	})
	<-webhooks.Started()
	w, _, err := webhooks.Create(b.Context(), registry.Webhook{Account: "demo", Event: optin, URL: "http://127.0.0.1/"})
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := replay.NewStore(store).Upsert(b.Context(), w.Key(), func(r *backlog.Record) error {
		r.Open("off", 1, event.Position{})
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	if _, err := webhooks.Update(b.Context(), w.Key(), func(w *registry.Webhook) error { return w.OpenRange("off", 1, 0) }); err != nil {
		b.Fatal(err)
	}
	js, err := jetstream.New(store.JetStream.Conn(), jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		b.Fatal(err)
	}
	for range missed {
		if _, err := js.PublishAsync(event.Subject("demo", optin), event.Sample(optin), jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	return Options{
		Broker: store, Registry: webhooks, Slots: slots.New(64, 8192), Owner: "benchmark", MaxInFlight: 64, Rules: backlog.Rules{Mode: backlog.On},
		Log: zap.NewNop(),
	}
}
