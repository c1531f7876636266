package chaos

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/saumer/saumer/test/process"
)

// timeout is what an attempt may take.
const timeout = 2 * time.Second

// mode is what an endpoint does.
type mode string

const (
	healthy  mode = "healthy"
	refuses  mode = "refuses"
	hangs    mode = "hangs"
	resets   mode = "resets mid-response"
	late     mode = "answers 200 after the timeout"
	some500  mode = "500 for some events"
	all400   mode = "400 for all"
	floods   mode = "answers with gigabytes"
	trickles mode = "trickles a byte a second"
	badTLS   mode = "breaks TLS"
)

// endpoint is a webhook's receiver, which keeps the books.
type endpoint struct {
	tls     *tlsFiles // nil for http
	address string
	server  *http.Server

	mu   sync.Mutex
	mode mode
	// taken counts, by number of the event, how often it was taken with a 2xx.
	taken []uint16
	// all counts what was taken, twice what was taken before; attempts counts every request.
	all, twice, attempts int
	// rejected are the events that were answered with a status which is about them, by number.
	rejected map[int]rejections
	// highest is the highest number that was taken; back counts those that came after a higher one, for the first time.
	highest, back int
}

// rejections are how often an event was rejected, and when first and last.
type rejections struct {
	count       int
	first, last time.Time
}

func newEndpoint(files *tlsFiles) (*endpoint, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	e := &endpoint{tls: files, address: fmt.Sprintf("127.0.0.1:%d", port), mode: healthy, rejected: map[int]rejections{}}
	return e, e.listen()
}

func (e *endpoint) listen() error {
	// What is left of the last connections may hold the port for a moment.
	l, err := net.Listen("tcp", e.address)
	for deadline := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		l, err = net.Listen("tcp", e.address)
	}
	if err != nil {
		return err
	}
	if e.tls != nil {
		l = tls.NewListener(l, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if e.is() == badTLS {
				return &e.tls.stranger, nil
			}
			return &e.tls.good, nil
		}})
	}
	e.server = &http.Server{Handler: e, ErrorLog: silent}
	go func() { _ = e.server.Serve(l) }() // it ends with http.ErrServerClosed
	return nil
}

func (e *endpoint) reject(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.rejected[n]
	r.count, r.last = r.count+1, time.Now()
	if r.first.IsZero() {
		r.first = r.last
	}
	e.rejected[n] = r
}

// exhausted says whether an event was rejected as often, and for about as long, as before it is exhausted.
func (e *endpoint) exhausted(n int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.rejected[n]
	return r.count >= deactivateAttempts && r.last.Sub(r.first) >= deactivateAfter*3/4
}

func (e *endpoint) is() mode {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mode
}

// set changes what the endpoint does; connections that stand are cut where that matters.
func (e *endpoint) set(m mode) error {
	e.mu.Lock()
	before := e.mode
	e.mode = m
	e.mu.Unlock()
	switch {
	case m == before:
		return nil
	case m == refuses, m == badTLS || before == badTLS:
		_ = e.server.Close() // nothing is left of it
		if m == refuses {
			return nil
		}
		return e.listen()
	case before == refuses:
		return e.listen()
	}
	return nil
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(body)))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	e.attempts++
	m := e.mode
	e.mu.Unlock()
	switch m {
	case hangs:
		<-r.Context().Done()
		return
	case resets:
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 500)) // it is cut in any case
		_ = http.NewResponseController(w).Flush()
		e.reset(w)
		return
	case late:
		wait(r.Context(), timeout+500*time.Millisecond)
	case some500:
		if n%50 == 0 || rand.IntN(3) == 0 { // some are never taken, and exhausted
			e.reject(n)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	case all400:
		e.reject(n)
		w.WriteHeader(http.StatusBadRequest)
		return
	case trickles:
		w.WriteHeader(http.StatusOK)
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" ")) // the context tells when nobody reads
			_ = http.NewResponseController(w).Flush()
			wait(r.Context(), time.Second)
		}
		return
	}
	e.take(n)
	if m == floods {
		chunk := make([]byte, 1<<20)
		for range 4096 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

// take enters an event into the books.
func (e *endpoint) take(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n >= len(e.taken) {
		e.taken = append(e.taken, make([]uint16, n+1-len(e.taken)+1024)...)
	}
	e.all++
	if e.taken[n] > 0 {
		e.twice++
	}
	e.taken[n]++
	if n < e.highest && e.taken[n] == 1 {
		e.back++
	}
	e.highest = max(e.highest, n)
}

// missing are the events in [from, to) that were never taken.
func (e *endpoint) missing(from, to int) (missing []int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for n := from; n < to; n++ {
		if n >= len(e.taken) || e.taken[n] == 0 {
			missing = append(missing, n)
		}
	}
	return missing
}

func (e *endpoint) tried() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.attempts
}

// reset ends a connection with a TCP reset.
func (e *endpoint) reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it ends with a FIN
	}
	_ = conn.Close()
}

func (e *endpoint) close() { _ = e.server.Close() }

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
