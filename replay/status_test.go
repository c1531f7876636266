package replay

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
)

// A webhook is behind by what is stored and not done with, wherever that is: to come, in flight, or in its backlog, each once.
func TestLag(t *testing.T) {
	b, ctx := setup(t, 5), t.Context()
	lag := func(want uint64, when string) {
		t.Helper()
		if s := b.status(); s.Lag != want {
			t.Errorf("%s: %d events behind, want %d", when, s.Lag, want)
		}
	}
	lag(0, "all is done")
	for _, account := range []string{"demo", "other", "demo", "demo"} {
		if _, err := event.Publish(ctx, b.broker.JetStream, account, optin, "", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	lag(3, "some are to come")
	dispatch, err := b.broker.JetStream.Consumer(ctx, "EVENTS", "dispatch")
	if err != nil {
		t.Fatal(err)
	}
	batch, err := dispatch.Fetch(4)
	if err != nil {
		t.Fatal(err)
	}
	var events []jetstream.Msg
	for m := range batch.Messages() {
		events = append(events, m)
	}
	lag(3, "they are in flight")
	done := func(i int) {
		t.Helper()
		if err := events[i].DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
	done(3)
	done(1)
	lag(2, "the last is done")
	b.change(func(r *backlog.Record) error { r.Pending = backlog.Pending{{Position: b.at(8)}}; return nil })
	done(2)
	lag(2, "one is handed over")
	done(0)
	lag(1, "one waits in the backlog")
	b.change(func(r *backlog.Record) error { r.Pending = nil; return nil })
	lag(0, "it is taken")
}
