package http1

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// crossingsOften is how many crossings within crossingSpan make a host one that gets fresh connections, for crossingSpan.
	crossingsOften = 3
	crossingSpan   = time.Minute
	// crossedHosts bounds the hosts that are remembered.
	crossedHosts = 1000
)

// crossings remember which hosts often close a connection that was used before while a request is on its way to them. It is
// safe for concurrent use.
type crossings struct {
	hosts atomic.Int32 // how many are remembered, to be looked at without the lock

	mu sync.Mutex
	of map[string]*crossing // by the address to dial
}

// crossing is what is remembered of a host: how many crossings there were since a time.
type crossing struct {
	since time.Time
	count int
}

func newCrossings() *crossings { return &crossings{of: map[string]*crossing{}} }

// note takes in that a connection was closed while a request was on its way.
func (c *crossings) note(e *Endpoint) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.of[e.addr]
	if at == nil {
		if len(c.of) >= crossedHosts {
			for addr := range c.of {
				delete(c.of, addr) // any: a host that goes on comes back
				break
			}
		}
		at = &crossing{since: now}
		c.of[e.addr] = at
		c.hosts.Store(int32(len(c.of)))
	}
	if now.Sub(at.since) >= crossingSpan {
		at.since, at.count = now, 0
	}
	if at.count++; at.count == crossingsOften {
		at.since = now // of the time with fresh connections
	}
}

// often says whether a host is to get a fresh connection for each request.
func (c *crossings) often(e *Endpoint) bool {
	if c.hosts.Load() == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.of[e.addr]
	if at == nil {
		return false
	}
	if time.Since(at.since) >= crossingSpan {
		delete(c.of, e.addr)
		c.hosts.Store(int32(len(c.of)))
		return false
	}
	return at.count >= crossingsOften
}
