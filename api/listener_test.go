package api

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// Connections beyond the bounds are closed, those within are served, and one that is closed makes room.
func TestBoundedListener(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(http.HandlerFunc(healthy))
	served := make(chan error, 1)
	go func() { served <- server.Serve(Bounded(inner, 100, 5, func(netip.Addr) bool { return false })) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	var held []net.Conn
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	answers := func(c net.Conn) bool {
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return false
		}
		first := make([]byte, 12)
		_, err := io.ReadFull(c, first)
		return err == nil && string(first) == "HTTP/1.1 200"
	}
	for range 5 {
		c := dial()
		if !answers(c) {
			t.Fatal("a connection within the bound is not served")
		}
		held = append(held, c)
	}
	if answers(dial()) {
		t.Error("a sixth connection of one address is served")
	}
	if err := held[0].Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !answers(dial()); {
		if time.Now().After(deadline) {
			t.Fatal("a connection that was closed makes no room")
		}
	}
}
