package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// removeTroubles are the removal of each consumer, stream and bucket of ours while all is at work.
func removeTroubles() []trouble {
	all := []trouble{
		watched(unready, trouble{"nats: the consumer dispatch is deleted", remade, func(w *world) { w.removeConsumer("EVENTS", "dispatch") }}),
		watched(remedied, trouble{"nats: the consumer runners is deleted", handOver, func(w *world) { w.removeConsumer("WAKES", "runners") }}),
		watched(unready, trouble{"nats: the consumer dispatch is paused and resumed", handOver, func(w *world) { w.pause("EVENTS", "dispatch") }}),
	}
	for _, name := range []string{"WAKES", "ATTEMPTS", "NOTICES", "REJECTED", "STATS", "KV_POSITIONS", "KV_ACCOUNTS"} {
		all = append(all, watched(remedied, trouble{"nats: " + name + " is deleted", handOver, func(w *world) { w.removeStream(name) }}))
	}
	return append(all,
		watched(remedied, trouble{"nats: KV_BACKLOGS is deleted", setBack, func(w *world) { w.removeStream("KV_BACKLOGS") }}),
		watched(remedied, trouble{"nats: EVENTS is deleted", lostAcks, func(w *world) {
			w.removeStream("EVENTS")
			w.t.Logf("%d events were lost with the stream", w.account())
		}}),
		watched(remedied, trouble{"nats: KV_WEBHOOKS is deleted", lostAcks, func(w *world) { w.removeWebhooks() }}),
	)
}

// asks asks JetStream for something until it is done.
func (w *world) asks(what string, do func(context.Context, jetstream.JetStream) error) {
	w.t.Helper()
	w.retry(what, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return do(ctx, w.pub.js)
	})
}

// removeConsumer removes a consumer while backlogs are at work.
func (w *world) removeConsumer(stream, name string) {
	w.t.Helper()
	w.must(w.hooks[1].set(refuses))
	w.asks("remove the consumer "+name, func(ctx context.Context, js jetstream.JetStream) error {
		err := js.DeleteConsumer(ctx, stream, name)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil // an answer was lost
		}
		return err
	})
	w.pass(hold / 2)
	w.must(w.hooks[1].set(healthy))
}

// pause pauses a consumer and has it go on.
func (w *world) pause(stream, name string) {
	w.t.Helper()
	w.asks("pause the consumer "+name, func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.PauseConsumer(ctx, stream, name, time.Now().Add(time.Hour))
		return err
	})
	w.pass(hold)
	w.asks("resume the consumer "+name, func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.ResumeConsumer(ctx, stream, name)
		return err
	})
}

// removeStream removes a stream while backlogs are at work: one that retries, and one with an open range.
func (w *world) removeStream(name string) {
	w.t.Helper()
	w.must(w.hooks[1].set(refuses))
	w.must(w.hooks[2].set(some500))
	w.pass(time.Second)
	w.asks("remove the stream "+name, func(ctx context.Context, js jetstream.JetStream) error {
		err := js.DeleteStream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil // an answer was lost
		}
		return err
	})
	w.pass(2 * time.Second)
	w.must(w.hooks[1].set(healthy))
	w.must(w.hooks[2].set(healthy))
}

// removeWebhooks removes the journal. Nothing tells of the webhooks any more; new ones get other ids, and all that is
// published from then on.
func (w *world) removeWebhooks() {
	w.t.Helper()
	before := w.hooks
	w.hooks = nil
	w.asks("remove the journal", func(ctx context.Context, js jetstream.JetStream) error {
		return js.DeleteStream(ctx, "KV_WEBHOOKS")
	})
	w.pass(2 * time.Second)
	tried := 0
	for i := range 3 {
		h := w.hook(fmt.Sprintf("after the journal's loss %d", i), plain)
		if slices.ContainsFunc(before, func(other *hook) bool { return other.id >= h.id }) {
			w.t.Errorf("a webhook has the id %d, which another one had", h.id)
		}
	}
	for _, h := range before {
		tried -= h.tried()
	}
	w.pass(hold / 2)
	for _, h := range before {
		tried += h.tried()
		h.endpoint.close()
	}
	if tried > 0 {
		w.t.Errorf("%d attempts for webhooks that are gone", tried)
	}
}
