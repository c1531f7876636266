package chaos

import (
	"io"
	"net"
	"sync"
	"time"
)

// proxy carries connections to a target, and can be cut, held up and slowed down.
type proxy struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	isCut  bool
	delay  time.Duration
	conns  map[net.Conn]bool
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		go p.carry(conn)
	}
}

func (p *proxy) carry(near net.Conn) {
	p.mu.Lock()
	target, isCut := p.target, p.isCut
	p.mu.Unlock()
	defer p.drop(near)
	if isCut {
		return
	}
	far, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer p.drop(far)
	p.mu.Lock()
	p.conns[near], p.conns[far] = true, true
	late := p.isCut
	p.mu.Unlock()
	if late {
		return
	}
	done := make(chan struct{}, 2)
	go p.pump(near, far, done)
	go p.pump(far, near, done)
	<-done
}

func (p *proxy) pump(from, to net.Conn, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		delay := p.delay
		p.mu.Unlock()
		time.Sleep(delay)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) drop(c io.Closer) {
	_ = c.Close() // of whatever came of it, nothing is left
	if conn, ok := c.(net.Conn); ok {
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
	}
}

// cut ends all connections and takes no new ones, until it is mended.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for c := range p.conns {
		_ = c.Close() // its pumps see to the rest
	}
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
}

// slow has whatever is carried take so long.
func (p *proxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// lead has new connections lead to another address.
func (p *proxy) lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *proxy) close() {
	_ = p.listener.Close() // it accepts no more in any case
	p.cut()
}
