package protocol

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// receiver is the endpoint of one webhook.
type receiver struct {
	server http.Server
	conns  chan net.Conn

	mu   sync.Mutex
	rng  *rand.Rand
	mode mode
	open []net.Conn
	// got counts the deliveries that were answered with 200, by body.
	got map[string]int
}

// mode is what an endpoint does.
type mode int

const (
	up     mode = iota
	down        // refuses connections
	busy        // 503
	broken      // 500
	picky       // 500 for some
	crawls      // answers after longer than the live path's patience
	modes
)

func newReceiver(seed uint64) *receiver {
	r := &receiver{conns: make(chan net.Conn), got: map[string]int{}, rng: rand.New(rand.NewPCG(seed, 3))}
	r.server.Handler = r
	go func() { _ = r.server.Serve(r) }() // it ends with net.ErrClosed
	return r
}

func (r *receiver) Accept() (net.Conn, error) {
	conn, ok := <-r.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (r *receiver) Close() error   { return nil }
func (r *receiver) Addr() net.Addr { return &net.UnixAddr{Name: "receiver"} }

func (r *receiver) close() {
	r.set(down)
	close(r.conns)
}

func (r *receiver) set(m mode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mode = m
	if m == down {
		for _, c := range r.open {
			_ = c.Close() // a pipe's never fails
		}
		r.open = nil
	}
}

func (r *receiver) dial(context.Context, string, string) (net.Conn, error) {
	r.mu.Lock()
	if r.mode == down {
		r.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	r.open = append(r.open, theirs)
	r.mu.Unlock()
	r.conns <- theirs
	return ours, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	m, delay := r.mode, time.Duration(r.rng.IntN(20))*time.Millisecond
	status := http.StatusOK
	switch {
	case m == busy:
		status = http.StatusServiceUnavailable
	case m == broken, m == picky && r.rng.IntN(3) == 0:
		status = http.StatusInternalServerError
	case m == crawls:
		delay += 3 * time.Second
	}
	r.mu.Unlock()
	time.Sleep(delay)
	r.mu.Lock()
	if r.mode == down {
		status = 0 // cut in the middle, and not taken
	}
	if status == http.StatusOK {
		r.got[string(body)]++
	}
	r.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}
