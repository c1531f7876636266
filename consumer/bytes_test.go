package consumer

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/slots"
)

// gated is an endpoint that answers, and a backlog that takes events, once they are released.
type gated struct {
	*instant
	released chan struct{}
}

func (h gated) Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt {
	<-h.released
	return h.instant.Attempt(ctx, t, r)
}

func (h gated) Cover(_ context.Context, _ string, attempts []delivery.Attempt, _ int) error {
	<-h.released
	for _, a := range attempts {
		if a.Seq != 0 && h.count.Add(1) == h.all {
			close(h.done)
		}
	}
	return nil
}

func (h gated) Wake(context.Context, string) error { return nil }

// Large events fill the window by their bytes: NATS is asked for no more, keeps nothing for a client that does not read, and
// does not cut its connection.
func TestLargeEventsAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	const count = 50
	l := openLive(t)
	data := make([]byte, event.MaxSize)
	for i := range data {
		data[i] = '7'
	}
	if err := l.publish(count, data); err != nil {
		t.Fatal(err)
	}
	h := gated{&instant{log: delivery.NewLog(l.store, zap.NewNop()), all: count, done: make(chan struct{})}, make(chan struct{})}
	w := NewWorker(Options{
		Events: l.store, Webhooks: l.webhooks, Sender: h, Slots: slots.New(count, 8192), Cover: h, Rejects: l.store, Names: l.store,
		Acks: l.store, Now: l.store.Now, Pull: time.Second, AckWait: 30 * time.Second, Grace: time.Second, Log: zap.NewNop(),
	})
	during(t, w.Run)
	for full := false; !full; time.Sleep(time.Millisecond) { // a look now and then, which decides nothing
		w.mu.Lock()
		full = w.inflight.held > windowBytes-leastBytes
		w.mu.Unlock()
	}
	progress, err := l.store.Progress(t.Context())
	if most := uint64(windowBytes / event.MaxSize); err != nil || progress.HandedOut > most {
		t.Errorf("%d events of a mebibyte are handed out, %v; want %d at most", progress.HandedOut, err, most)
	}
	close(h.released)
	<-h.done
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inflight.held > windowBytes {
		t.Errorf("%d bytes are in flight", w.inflight.held)
	}
}
