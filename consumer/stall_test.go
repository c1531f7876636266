package consumer

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// stall is how long consuming may stand still while events are published: two heartbeats and some.
const stall = 5 * time.Second

// A pull that the client library forgets, on a server that is busy with publishers, stands still for half a minute
// (nats.go issue 1622).
func TestConsumingNeverStandsStillWhilePublishing(t *testing.T) {
	t.Parallel()
	const events = 60_000
	l := openLive(t)
	sender := &instant{log: delivery.NewLog(l.store, zap.NewNop()), all: events, done: make(chan struct{})}
	l.run(t, sender)
	published := make(chan error, 1)
	go func() { published <- l.publish(events, event.Sample("optin_finalized")) }()
	for last, moved := int64(0), time.Now(); ; {
		select {
		case <-sender.done:
			if err := <-published; err != nil {
				t.Error(err)
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
		if now := sender.count.Load(); now != last {
			last, moved = now, time.Now()
		} else if time.Since(moved) > stall {
			t.Fatalf("consuming has stood still for %v after %d of %d events", stall, last, events)
		}
	}
}
