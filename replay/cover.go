package replay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
)

// Cover takes over events from the live path. What one process hands over to one backlog at about the same time is
// one write. It is safe for concurrent use.
type Cover struct {
	store   store
	backoff delivery.Backoff
	log     *zap.Logger

	mu sync.Mutex
	// groups are the hand-overs that wait for the write that is under way to the same backlog.
	groups map[string]*group
}

type group struct {
	items []item
	done  chan struct{}
	err   error
	// ahead is the group that is being written; this one follows.
	ahead *group
}

type item struct {
	attempt delivery.Attempt
	streak  int
}

// NewCover makes a Cover.
func NewCover(b *broker.Broker, backoff delivery.Backoff, log *zap.Logger) *Cover {
	return &Cover{store: newStore(b), backoff: backoff, log: log, groups: map[string]*group{}}
}

// Cover returns when the backlog of the webhook durably holds the event of the attempt, or with an error when the
// context ends: then the event is not to be acknowledged. Streak is how many events in a row were rejected. An
// attempt with sequence 0 hands over no event: it says that the webhook is slow, and future ones are to leave.
func (c *Cover) Cover(ctx context.Context, key string, a delivery.Attempt, streak int) error {
	c.mu.Lock()
	g := c.groups[key]
	if g == nil || g.items == nil { // none, or being written already
		g = &group{done: make(chan struct{}), ahead: g}
		c.groups[key] = g
		go c.write(key, g) //nolint:contextcheck // a group serves several callers, and outlives each
	}
	g.items = append(g.items, item{a, streak})
	c.mu.Unlock()
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Wake has a backlog looked at. A wake that is lost is made up for by the sweep.
func (c *Cover) Wake(ctx context.Context, key string) error { return c.store.broker.Wake(ctx, key) }

// writing bounds one write of a group.
const writing = 20 * time.Second

func (c *Cover) write(key string, g *group) {
	defer close(g.done)
	if g.ahead != nil {
		<-g.ahead.done
		g.ahead = nil
	}
	c.mu.Lock()
	items := g.items
	g.items = nil
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), writing)
	defer cancel()
	b, err := c.store.update(ctx, key, may, func(b *Backlog) error {
		for _, i := range items {
			b.cover(i.attempt, i.streak, c.backoff)
		}
		return nil
	})
	fault.At(fault.Covered)
	if err != nil {
		g.err = fmt.Errorf("hand over %d events: %w", len(items), err)
	} else if !b.Lease.heldByOther("", c.store.broker.Now()) {
		// Whoever holds the lease sees the change at its next checkpoint. A wake that is lost is made up for by
		// the sweep.
		if err := c.store.wakeUp(ctx, key, &b); err != nil {
			c.log.Warn("wake a backlog", zap.String("webhook", key), zap.Error(err))
		}
	}
	c.mu.Lock()
	if c.groups[key] == g {
		delete(c.groups, key)
	}
	c.mu.Unlock()
}
