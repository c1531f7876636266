package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// names answers whether an event is known.
type names struct {
	event, account bool
	err            error
}

func (n names) KnowsEvent(context.Context, string) (bool, error)   { return n.event, n.err }
func (n names) KnowsAccount(context.Context, string) (bool, error) { return n.account, n.err }

// An event without a webhook is done if any process knows its name and there is its account, rejected if not, and waits if that cannot be told.
func TestAnEventThatAnotherProcessKnowsIsNotRejected(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		names          names
		rejected, done bool
	}{
		"another process knows it": {names{true, true, nil}, false, true},
		"none knows it":            {names{false, true, nil}, true, false},
		"there is no such account": {names{true, false, nil}, true, false},
		"NATS does not tell":       {names{false, false, errors.New("away")}, false, false},
	} {
		rejects := &rejected{}
		w := NewWorker(Options{Rejects: rejects, Names: test.names, Log: zap.NewNop()})
		m := &nats.Msg{Subject: "events.demo.x", Data: []byte("1"), Reply: "$JS.ACK.EVENTS.dispatch.1.7.7.1764097200000000000.0"}
		w.spread(t.Context(), w.admit(t.Context(), m, time.Now()), nil, passing{})
		if got := len(rejects.data) > 0; got != test.rejected {
			t.Errorf("%s: rejected is %v", what, got)
		}
		if got := len(w.acks.queue) > 0; got != test.done || !w.inflight.empty() {
			t.Errorf("%s: acknowledged is %v, in flight are %d", what, got, w.inflight.count())
		}
	}
}
