package virtual

import (
	"errors"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

// Answers to events of batches that are lost, while the connection stays, keep no room: other accounts' batches are stored.
func TestLostAnswersKeepNoBatchOut(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		t := w.t
		js := w.app.Broker().JetStream
		// Whoever listens here answers nothing.
		silent, err := js.Conn().SubscribeSync("silent")
		if err != nil {
			t.Fatal(err)
		}
		var last jetstream.PubAckFuture
		for range 4000 {
			if last, err = js.PublishMsgAsync(&nats.Msg{Subject: "silent"}); err != nil {
				t.Fatal(err)
			}
		}
		items := slices.Repeat([]event.Item{{Name: optin, Data: []byte("1")}}, 1000)
		w.pass(event.BatchTime)
		for i, o := range event.PublishBatch(t.Context(), js, "demo", items) {
			if o.Err != nil {
				t.Fatalf("event %d of the batch: %v", i, o.Err)
			}
		}
		select {
		case err = <-last.Err():
		default:
		}
		if !errors.Is(err, jetstream.ErrAsyncPublishTimeout) {
			t.Errorf("an answer that was lost is awaited: %v", err)
		}
		if err := silent.Unsubscribe(); err != nil {
			t.Error(err)
		}
	})
}
