package protocol

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// link is a node's way to the server: what it carries takes a little while, and it can be held up or cut. Its delays
// are what makes the steps of a protocol happen at different times, so that a crash or a stall comes between any two.
type link struct {
	server *current

	mu    sync.Mutex
	rng   *rand.Rand
	until time.Time // held up until then
	conns []net.Conn
	down  bool
	quick bool // no delays
}

func newLink(s *current, seed uint64) *link {
	return &link{server: s, rng: rand.New(rand.NewPCG(seed, 7))}
}

// InProcessConn connects to the server over the link.
func (l *link) InProcessConn() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, net.ErrClosed
	}
	far, err := l.server.InProcessConn()
	if err != nil {
		return nil, err
	}
	ours, near := net.Pipe()
	l.conns = append(l.conns, far, near)
	go l.carry(near, far, 3*time.Millisecond)
	// Answers come at once. The client's watch of a bucket holds a lock from its request to the answer, and messages
	// that came in between would wait for the lock, which stops virtual time.
	go l.carry(far, near, 0)
	return ours, nil
}

// carry brings what comes from one end to the other, in order, with delays. Writers never wait: a write under a lock
// that waited for virtual time would stop it.
func (l *link) carry(from, to net.Conn, slowest time.Duration) {
	queue := make(chan []byte, 1<<16)
	go func() {
		defer func() { _ = to.Close() }() // a pipe's never fails
		for part := range queue {
			l.hold(slowest)
			if _, err := to.Write(part); err != nil {
				_ = from.Close()
				for range queue { // until the reader has noticed
				}
				return
			}
		}
	}()
	defer close(queue)
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			queue <- buffer[:n]
		}
		if err != nil {
			return
		}
	}
}

// hold waits out a delay, and for as long as the link is held up.
func (l *link) hold(slowest time.Duration) {
	l.mu.Lock()
	delay := min(time.Until(l.until), 100*time.Millisecond)
	if slowest > 0 {
		delay = max(delay, time.Duration(l.rng.Int64N(int64(slowest))))
	}
	if l.quick {
		delay = 0
	}
	l.mu.Unlock()
	for delay > 0 {
		time.Sleep(delay)
		l.mu.Lock()
		delay = min(time.Until(l.until), 100*time.Millisecond)
		l.mu.Unlock()
	}
}

// stall holds everything up for so long.
func (l *link) stall(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = time.Now().Add(d)
}

// cut ends the link for good, in the middle of whatever it carries.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for _, c := range l.conns {
		_ = c.Close() // a pipe's never fails
	}
}
