// Package http1test has endpoints for the tests of what posts: receivers on the loopback that speak in raw bytes, and an
// authority that certifies them.
package http1test

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Accepting is the answer of an endpoint that takes everything.
const Accepting = "HTTP/1.1 200 OK\r\nDate: Tue, 11 Nov 2025 09:27:29 GMT\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"

// Listen serves a loopback port, each connection by serve, until the test ends, and returns its address.
func Listen(t testing.TB, serve func(c *net.TCPConn)) string {
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

// ReadRequest reads one request and returns its length, 0 at the end of the connection.
func ReadRequest(r *bufio.Reader) int {
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

// Accept serves a connection: it takes every request.
func Accept(c *net.TCPConn) {
	answer := []byte(Accepting)
	for r := bufio.NewReader(c); ReadRequest(r) > 0; {
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
