package http1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/http1/http1test"
)

// newClient makes a client that trusts an authority, unless that is nil.
func newClient(t *testing.T, trusted *http1test.Authority) *Client {
	t.Helper()
	o := Options{Dial: (&net.Dialer{}).DialContext, IdleConns: 10, IdleTime: time.Minute}
	if trusted != nil {
		o.TLS = &tls.Config{RootCAs: trusted.Roots()}
	}
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

func endpoint(t *testing.T, raw string) *Endpoint {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return NewEndpoint(u)
}

// rounds is how many requests acrossIdles sends.
const rounds = 5

// acrossIdles sends requests that have to succeed, and after each lets the endpoint do to its idle connection what it is
// to do.
func acrossIdles(t *testing.T, c *Client, raw string, idle, left chan struct{}) {
	t.Helper()
	e := endpoint(t, raw)
	c.Learn(e)
	for i := range rounds {
		res, err := c.Post(t.Context(), time.Now().Add(timeout), e, nil, []byte("{}"))
		if err != nil || res.Status != http.StatusOK || string(res.Body) != "ok" {
			t.Fatalf("request %d: %d, %q, %v", i, res.Status, res.Body, err)
		}
		idle <- struct{}{}
		<-left
	}
}

// A connection that the endpoint closed while it was idle is told from one on which a request was sent: the first
// costs nothing, the second is an end of that request.
func TestClosedWhileIdle(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*net.TCPConn){
		"closed":      func(c *net.TCPConn) { _ = c.Close() },
		"half closed": func(c *net.TCPConn) { _ = c.CloseWrite() },
		"reset":       func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
		"spoken to":   func(c *net.TCPConn) { _, _ = io.WriteString(c, "HTTP/1.1 500 Unasked\r\nContent-Length: 0\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idle, left := make(chan struct{}), make(chan struct{})
			var mu sync.Mutex
			conns, requests := 0, 0
			addr := http1test.Listen(t, func(c *net.TCPConn) {
				mu.Lock()
				conns++
				mu.Unlock()
				for r := bufio.NewReader(c); http1test.ReadRequest(r) > 0; {
					mu.Lock()
					requests++
					mu.Unlock()
					if _, err := io.WriteString(c, http1test.Accepting); err != nil {
						return
					}
					<-idle
					leave(c)
					left <- struct{}{}
				}
			})
			acrossIdles(t, newClient(t, nil), "http://"+addr+"/", idle, left)
			mu.Lock()
			defer mu.Unlock()
			if conns != rounds || requests != rounds {
				t.Errorf("%d connections and %d requests, want %d", conns, requests, rounds)
			}
		})
	}
}

// As above, over TLS, whose farewell is an end as well.
func TestTLSClosedWhileIdle(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*tls.Conn){
		"farewell":  func(c *tls.Conn) { _ = c.CloseWrite() },
		"closed":    func(c *tls.Conn) { _ = c.NetConn().Close() },
		"spoken to": func(c *tls.Conn) { _, _ = io.WriteString(c, http1test.Accepting) },
		"garbage":   func(c *tls.Conn) { _, _ = c.NetConn().Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := http1test.NewAuthority(t)
			idle, left := make(chan struct{}), make(chan struct{})
			var requests atomic.Int32
			addr := http1test.Listen(t, http1test.Secured(&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: []string{"http/1.1"}}, func(c *tls.Conn) {
				for r := bufio.NewReader(c); http1test.ReadRequest(r) > 0; {
					requests.Add(1)
					_, _ = io.WriteString(c, http1test.Accepting) // the client says what came
					<-idle
					leave(c)
					left <- struct{}{}
				}
			}))
			acrossIdles(t, newClient(t, ca), "https://"+addr+"/", idle, left)
			if requests.Load() != rounds {
				t.Errorf("%d requests, want %d", requests.Load(), rounds)
			}
		})
	}
}

// A request that does not fit into the buffers of the connection arrives whole, on a new connection and on one that was
// used before.
func TestSmallBuffers(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 2<<10)
	var wrong atomic.Int64
	var conns atomic.Int64
	address := http1test.Listen(t, func(c *net.TCPConn) {
		conns.Add(1)
		for r := bufio.NewReaderSize(c, 16); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if got, err := io.ReadAll(req.Body); err != nil || !bytes.Equal(got, body) {
				wrong.Add(1)
			}
			if _, err := io.WriteString(c, http1test.Accepting); err != nil {
				return
			}
		}
	})
	client := New(Options{IdleConns: 1, IdleTime: time.Minute, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return c, c.(*net.TCPConn).SetWriteBuffer(1)
	}})
	t.Cleanup(client.Close)
	e := endpoint(t, "http://"+address+"/")
	for range 3 {
		if res, err := client.Post(t.Context(), time.Now().Add(timeout), e, nil, body); err != nil || res.Status != http.StatusOK {
			t.Errorf("got %d, %v", res.Status, err)
		}
	}
	if wrong.Load() != 0 || conns.Load() != 1 {
		t.Errorf("%d bodies were not what was sent, over %d connections", wrong.Load(), conns.Load())
	}
}

// An endpoint that does not choose HTTP/1.1, with an alert or in silence, is told from one with which no handshake succeeds.
func TestHTTP1IsNotChosen(t *testing.T) {
	t.Parallel()
	ca := http1test.NewAuthority(t)
	for name, protocols := range map[string][]string{"alert": {"other"}, "silence": nil} {
		addr := http1test.Listen(t, http1test.Secured(&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: protocols}, func(*tls.Conn) {}))
		c, e := newClient(t, ca), endpoint(t, "https://"+addr+"/")
		c.Learn(e)
		_, err := c.Post(t.Context(), time.Now().Add(timeout), e, nil, nil)
		if !errors.Is(err, ErrNotChosen) || !errors.Is(err, ErrUnsupported) || c.Learned(e) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
