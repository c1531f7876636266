package http1

import (
	"slices"
	"sync"
	"time"
)

// sweepsALife is how often idle connections are looked through in the time that one is kept.
const sweepsALife = 10

// pool keeps idle connections, and gives out first what was used last. It is safe for concurrent use.
type pool struct {
	// most bounds how many are kept, life how long each is, age how long each is used, and every is how often they are looked
	// through.
	most             int
	life, age, every time.Duration

	mu     sync.Mutex
	shut   bool
	routes map[route][]*conn // idle longest first
	// oldest and newest are the ends of the list of all that are idle.
	oldest, newest *conn
	size           int
	sweeper        *time.Timer // nil while nothing is idle
}

func newPool(most int, life, age time.Duration) *pool {
	return &pool{most: most, life: life, age: age, every: life / sweepsALife, shut: most <= 0 || life <= 0, routes: map[route][]*conn{}}
}

// take returns an idle connection, or nil. The endpoint may have closed it, but did not say before that it would by now.
func (p *pool) take(r route) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		idle := p.routes[r]
		if len(idle) == 0 {
			return nil
		}
		c := idle[len(idle)-1]
		p.remove(c)
		if c.limit == 0 || time.Since(c.since) < c.limit {
			return c
		}
		_ = c.Close() // nothing is under way on it
	}
}

// giveUp closes what has been idle the longest, and says whether there was any.
func (p *pool) giveUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.oldest
	if c == nil {
		return false
	}
	p.remove(c)
	_ = c.Close() // nothing is under way on it
	return true
}

// put keeps a connection for later, and closes one if those are too many.
func (p *pool) put(c *conn) {
	if excess := p.keep(c); excess != nil {
		_ = excess.Close() // nothing is under way on it
	}
}

// keep returns what is to be closed.
func (p *pool) keep(c *conn) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	idle := p.routes[c.key]
	if p.shut || p.age > 0 && now.Sub(c.made) >= p.age {
		return c
	}
	var excess *conn
	if p.size >= p.most {
		excess = p.oldest
		p.remove(excess)
		idle = p.routes[c.key]
	}
	c.since = now
	p.routes[c.key] = append(idle, c)
	if c.older = p.newest; c.older != nil {
		c.older.newer = c
	} else {
		p.oldest = c
	}
	p.newest = c
	p.size++
	if p.sweeper == nil {
		p.sweeper = time.AfterFunc(p.every, p.sweep)
	}
	return excess
}

// remove takes a connection out.
func (p *pool) remove(c *conn) {
	idle := p.routes[c.key]
	// Most often it is the last, and else the first.
	if last := len(idle) - 1; idle[last] == c {
		idle[last] = nil
		idle = idle[:last]
	} else {
		i := slices.Index(idle, c)
		idle = slices.Delete(idle, i, i+1)
	}
	p.routes[c.key] = idle
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		p.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		p.newest = c.older
	}
	c.older, c.newer = nil, nil
	p.size--
}

// sweep closes what has been idle for too long, or was closed by its endpoint.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return
	}
	now := time.Now()
	for c := p.oldest; c != nil && now.Sub(c.since) >= p.every; {
		next := c.newer
		if idle := now.Sub(c.since); idle >= p.life || c.limit > 0 && idle >= c.limit || c.closed() {
			p.remove(c)
			_ = c.Close() // nothing is under way on it
		}
		c = next
	}
	for r, idle := range p.routes {
		if len(idle) == 0 {
			delete(p.routes, r)
		}
	}
	if p.size == 0 {
		p.sweeper = nil
		return
	}
	p.sweeper.Reset(p.every)
}

// close closes all idle connections; none is kept from then on.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	if p.sweeper != nil {
		p.sweeper.Stop()
	}
	for p.oldest != nil {
		c := p.oldest
		p.remove(c)
		_ = c.Close() // nothing is under way on it
	}
}
