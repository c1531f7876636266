package delivery

import (
	"container/list"
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// line is a connection of net/http. It takes one request at a time, or several if it speaks HTTP/2.
type line struct {
	conn  *http.ClientConn
	key   string
	http2 bool
	made  time.Time
	// answered is whether it answered a request, limit how long its endpoint keeps it while it is idle, in ns; 0: it did not say.
	answered atomic.Bool
	limit    atomic.Int64
	// The pool's: how many requests are under way, whether it takes no more, since when it is idle, and its place among those.
	busy  int
	left  bool
	since time.Time
	place *list.Element
}

// dialing is a dial that others wait for. When done is closed, err says what came of it, and ctx was its.
type dialing struct {
	done chan struct{}
	err  error
	ctx  context.Context
}

// lines are the pool of a relay's connections. It is safe for concurrent use. Nothing is closed while it is locked: a
// connection says farewell, which may take a moment.
type lines struct {
	// most bounds the idle ones, life how long each is kept, age how long each is used.
	most      int
	life, age time.Duration

	mu      sync.Mutex
	shut    bool
	of      map[string][]*line
	idle    *list.List // of *line, idle longest first
	dialing map[string]*dialing
	sweeper *time.Timer // nil while nothing is idle
}

// sweepsALife is how often idle connections are looked through in the time that one is kept.
const sweepsALife = 10

func newLines(most int, life, age time.Duration) *lines {
	return &lines{most: most, life: life, age: age, of: map[string][]*line{}, idle: list.New(), dialing: map[string]*dialing{}}
}

// take returns a connection with room for a request. If there is none, the caller is to dial, and to say by finish what came
// of it. An endpoint that may speak HTTP/2 is dialed by one at a time: while a dial to it is under way, take returns that. Of
// one that may not, the connections that do are left.
func (p *lines) take(key string, http2 bool) (l *line, under *dialing, finish func(context.Context, error)) {
	var over []*line
	defer func() { closeAll(over) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for i := len(p.of[key]) - 1; i >= 0; i-- {
		l := p.of[key][i] // leaving moves only those behind it
		if l.busy > 0 && !l.http2 {
			continue
		}
		if p.overLocked(l, now) || l.http2 && !http2 {
			p.leaveLocked(l)
			if l.busy == 0 {
				over = append(over, l)
			}
			continue
		}
		if l.conn.Reserve() != nil {
			continue // it is full, or is going away
		}
		p.takeLocked(l)
		return l, nil, nil
	}
	if !http2 {
		return nil, nil, func(context.Context, error) {}
	}
	if under = p.dialing[key]; under != nil {
		return nil, under, nil
	}
	d := &dialing{done: make(chan struct{})}
	p.dialing[key] = d
	return nil, nil, func(ctx context.Context, err error) {
		p.mu.Lock()
		delete(p.dialing, key)
		p.mu.Unlock()
		d.ctx, d.err = ctx, err
		close(d.done)
	}
}

// overLocked says whether a connection is of no use any more.
func (p *lines) overLocked(l *line, now time.Time) bool {
	limit := time.Duration(l.limit.Load())
	return l.conn.Err() != nil || now.Sub(l.made) >= p.age || l.busy == 0 && (now.Sub(l.since) >= p.life || limit > 0 && now.Sub(l.since) >= limit)
}

// takeLocked notes that a request is under way.
func (p *lines) takeLocked(l *line) {
	l.busy++
	if l.place != nil {
		p.idle.Remove(l.place)
		l.place = nil
	}
}

// leaveLocked has a connection take no more requests. Without a request under way the caller closes it.
func (p *lines) leaveLocked(l *line) {
	if l.left {
		return
	}
	l.left = true
	rest := slices.DeleteFunc(p.of[l.key], func(other *line) bool { return other == l })
	if p.of[l.key] = rest; len(rest) == 0 {
		delete(p.of, l.key)
	}
	if l.place != nil {
		p.idle.Remove(l.place)
		l.place = nil
	}
}

// add takes in a connection that was made, with a request under way.
func (p *lines) add(l *line) *line {
	_ = l.conn.Reserve() // if it ended meanwhile, the request finds that
	p.mu.Lock()
	defer p.mu.Unlock()
	l.busy = 1
	p.of[l.key] = append(p.of[l.key], l)
	return l
}

// release ends a request. From then on a connection that is to be left takes no more.
func (p *lines) release(l *line, leave bool) {
	var over []*line
	defer func() { closeAll(over) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	l.busy--
	l.since = time.Now()
	if leave || p.shut || l.left || p.overLocked(l, l.since) {
		p.leaveLocked(l)
		if l.busy == 0 {
			over = append(over, l)
		}
		return
	}
	if l.busy > 0 {
		return
	}
	l.place = p.idle.PushBack(l)
	if p.idle.Len() > p.most {
		over = append(over, p.oldestLocked())
	}
	if p.sweeper == nil && p.idle.Len() > 0 {
		p.sweeper = time.AfterFunc(p.life/sweepsALife, p.sweep)
	}
}

// oldestLocked leaves the connection that has been idle the longest, and returns it; nil is none.
func (p *lines) oldestLocked() *line {
	first := p.idle.Front()
	if first == nil {
		return nil
	}
	l := first.Value.(*line)
	p.leaveLocked(l)
	return l
}

// giveUp closes the connection that has been idle the longest. It says whether there was one.
func (p *lines) giveUp() bool {
	p.mu.Lock()
	l := p.oldestLocked()
	p.mu.Unlock()
	if l == nil {
		return false
	}
	closeAll([]*line{l})
	return true
}

// sweep closes what is of no use any more.
func (p *lines) sweep() {
	var over []*line
	defer func() { closeAll(over) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return
	}
	now := time.Now()
	for at := p.idle.Front(); at != nil; {
		l := at.Value.(*line)
		at = at.Next()
		if p.overLocked(l, now) {
			p.leaveLocked(l)
			over = append(over, l)
		}
	}
	if p.idle.Len() == 0 {
		p.sweeper = nil
		return
	}
	p.sweeper.Reset(p.life / sweepsALife)
}

// letGo closes the idle connections.
func (p *lines) letGo() {
	for p.giveUp() { // the next one
	}
}

// close closes the idle connections; none is kept from then on.
func (p *lines) close() {
	p.mu.Lock()
	p.shut = true
	if p.sweeper != nil {
		p.sweeper.Stop()
	}
	p.mu.Unlock()
	p.letGo()
}

// closeAll closes connections on which nothing is under way.
func closeAll(over []*line) {
	for _, l := range over {
		_ = l.conn.Close() // nothing is under way on it
	}
}
