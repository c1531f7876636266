package consumer

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/slots"
)

// What a stop cuts off goes to the backlog and is acknowledged: it does not come again.
func TestWhatAStopCutsOffIsAcknowledged(t *testing.T) {
	t.Parallel()
	const events = 400
	l := openLive(t)
	if err := l.publish(events, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	c := covers{nobody{t}, make(chan delivery.Attempt, 2*events)}
	w := NewWorker(Options{
		Events: l.store, Webhooks: l.webhooks, Sender: stopped{}, Slots: slots.New(64, 8192), Cover: c, Rejects: l.store, Names: l.store,
		Acks: l.store, Now: l.store.Now, Pull: time.Second, AckWait: 30 * time.Second, Grace: time.Millisecond, Log: zap.NewNop(),
	})
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	tasks := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.lanes.tasks
	}
	for tasks() < events {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	position, err := l.store.Progress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if position.AckFloor != events {
		t.Errorf("acknowledged up to %d of %d events", position.AckFloor, events)
	}
}
