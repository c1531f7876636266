package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/saumer/saumer/test/process"
)

// receiver is an endpoint that counts the events it takes.
type receiver struct {
	t       *testing.T
	address string
	server  *http.Server

	mu     sync.Mutex
	status int
	delay  time.Duration
	got    map[string]int
	replay int
	tried  int
	more   chan struct{}
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, address: address(t), status: http.StatusOK, got: map[string]int{}, more: make(chan struct{})}
	r.up()
	t.Cleanup(r.down)
	return r
}

func (r *receiver) up() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.server = &http.Server{Handler: r}
	go func() { _ = r.server.Serve(l) }() // it ends with http.ErrServerClosed
}

func (r *receiver) down() { _ = r.server.Close() }

func (r *receiver) url() string { return "http://" + r.address + "/" }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	status, delay := r.status, r.delay
	r.mu.Unlock()
	if delay > 0 {
		select {
		case <-req.Context().Done():
			return
		case <-time.After(delay):
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried++
	if status == http.StatusOK {
		r.got[string(body)]++
		if req.Header.Get("Saumer-Replay") == "1" {
			r.replay++
		}
		close(r.more)
		r.more = make(chan struct{})
	}
	w.WriteHeader(status)
}

func (r *receiver) set(status int, delay time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.delay = status, delay
}

// await waits until n different events were taken, and returns how often one came again.
func (r *receiver) await(n int) (twice int) {
	r.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		r.mu.Lock()
		have, more, total := len(r.got), r.more, 0
		for _, count := range r.got {
			total += count
		}
		r.mu.Unlock()
		if have >= n {
			return total - have
		}
		select {
		case <-more:
		case <-deadline:
			r.t.Fatalf("%d of %d events after two minutes: missing %s", have, n, r.missing(n))
		}
	}
}

func (r *receiver) missing(n int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var missing []int
	for i := range n {
		if r.got[fmt.Sprint(i)] == 0 {
			missing = append(missing, i)
		}
	}
	return fmt.Sprint(missing)
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func (r *receiver) attempts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried
}

// address is one that can be left and taken again.
func address(t *testing.T) string {
	t.Helper()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}
