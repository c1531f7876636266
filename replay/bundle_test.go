package replay

import (
	"context"
	"strconv"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

const optin, hour = "optin_finalized", time.Hour

var rules = backlog.Rules{After: defaults.DeactivateAfter, Attempts: defaults.DeactivateAttempts, Window: hour}

// bundle is a webhook on a real broker, where nobody delivers anything.
type bundle struct {
	*Backlogs
	t   *testing.T
	key string
}

// setup makes a webhook, and hands out what is published after it.
func setup(t *testing.T, events int) *bundle {
	t.Helper()
	t.Parallel()
	store, err := broker.Open(t.Context(), broker.Options{
		Dir: t.TempDir(), Sync: 10 * time.Second, Replicas: 1, Retention: 720 * hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	sealer, err := registry.NewSealer(registry.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	webhooks, err := registry.Open(t.Context(), registry.Options{Broker: store, Sealer: sealer, Cache: 10, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- webhooks.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := webhooks.Close(); err != nil {
			t.Error(err)
		}
	})
	<-webhooks.Started()
	w, _, err := webhooks.Create(t.Context(), registry.Webhook{Account: "demo", Event: optin, URL: "http://127.0.0.1/"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{NewBacklogs(store, webhooks, rules, 720*hour), t, w.Key()}
	b.publish(events)
	return b
}

// publish publishes events and has the live path be done with them.
func (b *bundle) publish(n int) {
	b.t.Helper()
	for i := range n {
		if _, err := event.Publish(b.t.Context(), b.broker.JetStream, "demo", optin, "", []byte(strconv.Itoa(i))); err != nil {
			b.t.Fatal(err)
		}
	}
	dispatch, err := b.broker.JetStream.Consumer(b.t.Context(), "EVENTS", "dispatch")
	if err != nil {
		b.t.Fatal(err)
	}
	batch, err := dispatch.Fetch(n)
	if err != nil {
		b.t.Fatal(err)
	}
	for m := range batch.Messages() {
		if err := m.DoubleAck(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// at is the position of an event.
func (b *bundle) at(seq uint64) event.Position {
	b.t.Helper()
	e, err := b.broker.Event(b.t.Context(), seq)
	if err != nil {
		b.t.Fatal(err)
	}
	return e.Position()
}

// deactivate parks the webhook since a time: events up to the tenth wait by themselves, those from the eleventh on in a span.
func (b *bundle) deactivate(since time.Time) {
	b.t.Helper()
	if _, err := b.registry.Update(b.t.Context(), b.key, func(w *registry.Webhook) error {
		w.Active, w.Deactivated, w.Reason = false, since, "of the test"
		return w.OpenRange("range", 11, 0)
	}); err != nil {
		b.t.Fatal(err)
	}
	b.change(func(r *backlog.Record) error {
		r.Pending = nil
		for seq := uint64(1); seq <= 10; seq++ {
			r.Pending = append(r.Pending, backlog.Waiting{Position: b.at(seq), Attempts: 1})
		}
		r.Open("range", 11, b.at(10))
		r.Deactivate(since, "of the test")
		r.Outbox = nil
		return nil
	})
}

func (b *bundle) change(change func(*backlog.Record) error) {
	b.t.Helper()
	if _, _, err := b.store.Upsert(b.t.Context(), b.key, change); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) webhook() registry.Webhook {
	b.t.Helper()
	w, err := b.registry.Get(b.t.Context(), b.key)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bundle) status() Status {
	b.t.Helper()
	s, err := b.Status(b.t.Context(), b.webhook())
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}
