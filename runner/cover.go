package runner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/replay"
)

// Cover takes over events from the live path. What one process hands over to one backlog at about the same time is
// one write. It is safe for concurrent use.
type Cover struct {
	broker *broker.Broker
	store  replay.Store
	rules  backlog.Rules
	log    *zap.Logger

	// writers has a place for each write that is under way.
	writers chan struct{}

	mu sync.Mutex
	// groups are the hand-overs that wait for the write that is under way to the same backlog.
	groups map[string]*group
}

// group is what is handed over with one write.
type group struct {
	tries []backlog.Try
	done  chan struct{}
	err   error
	// ahead is the group that is being written; this one follows.
	ahead *group
}

// NewCover makes a Cover.
func NewCover(b *broker.Broker, rules backlog.Rules, log *zap.Logger) *Cover {
	return &Cover{broker: b, store: replay.NewStore(b), rules: rules, log: log, groups: map[string]*group{}, writers: make(chan struct{}, writers)}
}

// Cover returns when the backlog of the webhook durably holds the events of the attempts, or with an error when the context
// ends: then they are not to be acknowledged. Streak is how many events in a row were rejected, or met an endpoint that took
// nothing, as these did. An attempt with sequence 0 hands over no event: it says that future ones are to leave the live path.
func (c *Cover) Cover(ctx context.Context, key string, attempts []delivery.Attempt, streak int) error {
	c.mu.Lock()
	g := c.groups[key]
	if g == nil || g.tries == nil { // none, or being written already
		g = &group{done: make(chan struct{}), ahead: g}
		c.groups[key] = g
		go c.write(key, g)
	}
	for _, a := range attempts {
		g.tries = append(g.tries, backlog.Try{Attempt: a, Streak: streak, Draw: rand.Float64()})
	}
	c.mu.Unlock()
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Wake has a backlog looked at. A wake that is lost is made up for by the sweep.
func (c *Cover) Wake(ctx context.Context, key string) error { return c.broker.Wake(ctx, key) }

const (
	// writing bounds one write of a group.
	writing = 20 * time.Second
	// writers is how many groups are written at once: enough for NATS to have always something to do, and few enough that
	// what others ask of it meanwhile is not behind thousands.
	writers = 256
)

func (c *Cover) write(key string, g *group) {
	defer close(g.done)
	if g.ahead != nil {
		<-g.ahead.done
		g.ahead = nil
	}
	c.writers <- struct{}{}
	defer func() { <-c.writers }()
	c.mu.Lock()
	tries := g.tries
	g.tries = nil
	c.mu.Unlock()

	// A group serves several callers, and outlives each.
	ctx, cancel := context.WithTimeout(context.Background(), writing)
	defer cancel()
	b, _, err := c.store.Upsert(ctx, key, func(b *backlog.Record) error {
		for _, t := range tries {
			b.Take(t, &c.rules)
		}
		return nil
	})
	fault.At(fault.Covered)
	if err != nil {
		g.err = fmt.Errorf("hand over %d events: %w", len(tries), err)
	} else if !b.Lease.Held(c.broker.Now()) {
		// Whoever holds the lease sees the change at its next checkpoint.
		if err := c.store.Wake(ctx, key, &b); err != nil {
			c.log.Warn("a backlog was not woken; the sweep makes up for it", zap.String("webhook", key), zap.Error(err))
		}
	}
	c.mu.Lock()
	if c.groups[key] == g {
		delete(c.groups, key)
	}
	c.mu.Unlock()
}
