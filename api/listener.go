package api

import (
	"net"
	"net/netip"
	"sync"
)

// bounded is a listener that keeps no more than so many connections, and of one address no more than a part of them. One beyond
// is closed at once: nobody waits for it, and the files of the process are kept for its work.
type bounded struct {
	net.Listener
	total, each int
	trusted     func(netip.Addr) bool

	mu sync.Mutex
	// open and from are guarded by mu: the connections that are open, and those of each address.
	open int
	from map[netip.Addr]int
}

// Bounded bounds the connections that a listener accepts: in all, and of each address unless it is trusted, as that of a proxy
// is.
func Bounded(l net.Listener, total, each int, trusted func(netip.Addr) bool) net.Listener {
	return &bounded{Listener: l, total: total, each: each, trusted: trusted, from: map[netip.Addr]int{}}
}

// Accept waits for the next connection that is within the bounds.
func (l *bounded) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var from netip.Addr
		if ap, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
			from = ap.Addr().Unmap().WithZone("")
		}
		if l.enter(from) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // nothing was said on it
	}
}

// enter counts a connection, if there is room.
func (l *bounded) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.total || l.from[from] >= l.each && !l.trusted(from) {
		return false
	}
	l.open++
	l.from[from]++
	return true
}

func (l *bounded) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
