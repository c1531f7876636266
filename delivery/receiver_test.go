package delivery_test

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

// event is a body of the size that is measured with, key a secret.
var (
	event = bytes.Repeat([]byte("0"), 500)
	key   = bytes.Repeat([]byte("k"), 32)
)

// idleConns is enough for all that these tests have under way at once.
const idleConns = 100

// accepting is the answer of an endpoint that takes everything.
const accepting = "HTTP/1.1 200 OK\r\nDate: Tue, 11 Nov 2025 09:27:29 GMT\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"

// listen serves a loopback port, each connection by serve, until the test ends, and returns its address.
func listen(t testing.TB, serve func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		open []net.Conn
	)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer func() { _ = c.Close() }() // nothing is waiting for its end
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // it accepts no more either way
		mu.Lock()
		for _, c := range open {
			_ = c.Close() // some are closed
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// readRequest reads one request and returns its length, 0 at the end of the connection.
func readRequest(r *bufio.Reader) int {
	size, length := 0, 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0
		}
		size += len(line)
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0
			}
		}
		if len(line) == 2 {
			break
		}
	}
	if _, err := r.Discard(length); err != nil {
		return 0
	}
	return size + length
}

func accept(c *net.TCPConn) {
	answer := []byte(accepting)
	for r := bufio.NewReader(c); readRequest(r) > 0; {
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// newClient makes a client that may dial the loopback.
func newClient(t testing.TB) *delivery.Client {
	c := delivery.NewClient(delivery.Options{
		Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test",
		AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	})
	t.Cleanup(c.Close)
	return c
}
