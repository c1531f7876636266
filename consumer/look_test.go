package consumer

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// away opens a range over all that is published from here on for the webhook.
func (l *live) away(t testing.TB) {
	t.Helper()
	if _, err := l.webhooks.Update(t.Context(), "demo.1", func(w *registry.Webhook) error {
		return w.OpenRange("away", 1, 0)
	}); err != nil {
		t.Fatal(err)
	}
}

// acknowledged waits until all events up to a sequence are acknowledged.
func (l *live) acknowledged(t testing.TB, seq uint64) {
	t.Helper()
	for {
		progress, err := l.store.Progress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if progress.AckFloor >= seq {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// BenchmarkLook is what an event costs the live path that is another's to deliver: fetch, look up, acknowledge.
func BenchmarkLook(b *testing.B) {
	l := openLiveAt(b, "127.0.0.1:0")
	l.away(b)
	if err := l.publish(b.N, event.Sample("optin_finalized")); err != nil {
		b.Fatal(err)
	}
	sender := &instant{log: delivery.NewLog(l.store, zap.NewNop()), all: -1}
	b.ReportAllocs()
	b.ResetTimer()
	l.run(b, sender)
	l.acknowledged(b, uint64(b.N))
}

// BenchmarkBareConsumer is the same without the live path: each event is pulled and acknowledged, and nothing else.
func BenchmarkBareConsumer(b *testing.B) {
	l := openLiveAt(b, "127.0.0.1:0")
	if err := l.publish(b.N, event.Sample("optin_finalized")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		p, err := l.store.Pull(min(fetchSize, left), fetchBytes, time.Second)
		if err != nil {
			b.Fatal(err)
		}
		for m := p.Next(nil); m != nil; m = p.Next(nil) {
			left--
			if err := m.Ack(); err != nil {
				b.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	l.acknowledged(b, uint64(b.N))
}
