package registry_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/saumer/saumer/registry"
)

// trips counts the round trips to a Redis, of which the first waits until it may go on.
type trips struct {
	count   atomic.Int64
	waiting chan struct{}
	goOn    chan struct{}
}

func (c *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return next(ctx, network, address)
	}
}

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.come(cmd)
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.come(cmds...)
		return next(ctx, cmds)
	}
}

// come counts what runs scripts.
func (c *trips) come(cmds ...redis.Cmder) {
	if slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return cmd.Name() == "evalsha" }) && c.count.Add(1) == 1 {
		close(c.waiting)
		<-c.goOn
	}
}

// Changes that come at about the same time are brought into Redis together: who changes one waits for no round trip of each other.
func changesAtOnce(t *testing.T, b backend) {
	br := openBroker(t)
	n := newNode(t, br, b)
	const many = 200
	keys := make([]string, many)
	for i := range keys {
		w := n.create(t, "http://a.example/")
		keys[i] = w.Key()
	}
	state := func() uint64 {
		s, err := br.Webhooks.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Last
	}
	begin := state()
	c := &trips{waiting: make(chan struct{}), goOn: make(chan struct{})}
	n.Redis().AddHook(c)
	var changes sync.WaitGroup
	for _, key := range keys {
		changes.Go(func() {
			if _, err := n.Update(t.Context(), key, func(w *registry.Webhook) error { w.App = "changed"; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	<-c.waiting
	for state() < begin+many && !t.Failed() {
	}
	close(c.goOn)
	changes.Wait()
	if trips := c.count.Load(); trips > many/2 {
		t.Errorf("%d changes took %d round trips", many, trips)
	}
	for _, key := range keys {
		if w, err := n.Get(t.Context(), key); err != nil || w.App != "changed" {
			t.Errorf("webhook %s is %q, error %v", key, w.App, err)
		}
	}
	if got := n.urls(t); len(got) != many {
		t.Errorf("look-up finds %d webhooks", len(got))
	}
}
