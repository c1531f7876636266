package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// errHandshake is the end of a handshake that took longer than the client's ConnectTimeout.
var errHandshake = errors.New("the TLS handshake took too long")

// conn is a connection to an endpoint that speaks HTTP/1.1. One attempt uses it at a time.
type conn struct {
	net.Conn
	key route
	// raw is the socket below, nil if there is none; probe looks at it, and puts what it sees in quiet.
	raw   syscall.RawConn
	probe func(fd uintptr) bool
	quiet bool
	// The pool's: when it became idle, and what did before and after it.
	since        time.Time
	older, newer *conn
}

// route is what connections are kept by: any webhook at the same address may use them.
type route struct {
	addr   string
	secure bool
}

// connect dials an endpoint and, for https, shakes hands, offering these protocols.
func (c *Client) connect(ctx context.Context, deadline time.Time, e *endpoint, protocols ...string) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	socket, err := c.dial(ctx, "tcp", e.addr)
	if err != nil {
		return nil, err
	}
	made := &conn{Conn: socket, key: route{e.addr, e.secure}}
	if s, ok := socket.(syscall.Conn); ok {
		if made.raw, err = s.SyscallConn(); err != nil {
			_ = socket.Close() // nothing was sent
			return nil, err
		}
		made.probe = made.look
	}
	if e.secure {
		if made.Conn, err = c.handshake(ctx, socket, e, protocols); err != nil {
			// What it chose once it does not choose any more.
			c.http1.Remove(e.addr)
			_ = socket.Close() // nothing was sent
			return nil, err
		}
	}
	return made, nil
}

// handshake makes a socket a TLS connection.
func (c *Client) handshake(ctx context.Context, socket net.Conn, e *endpoint, protocols []string) (net.Conn, error) {
	shaking := ctx
	if c.options.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		shaking, cancel = context.WithTimeout(ctx, c.options.ConnectTimeout)
		defer cancel()
	}
	secured := tls.Client(socket, &tls.Config{ServerName: e.server, NextProtos: protocols})
	err := secured.HandshakeContext(shaking)
	if err != nil && shaking.Err() != nil && ctx.Err() == nil {
		return nil, errHandshake
	}
	return secured, err
}

// closed says whether an idle connection is of no use any more: the endpoint has closed it, or has sent what nobody
// asked for. It sets the connection's deadline, and does not wait.
func (c *conn) closed(deadline time.Time) bool {
	if c.raw != nil {
		if c.SetDeadline(deadline) != nil {
			return true
		}
		c.quiet = false
		return c.raw.Read(c.probe) != nil || !c.quiet
	}
	// A pipe, as in tests: its end comes before its deadline.
	var one [1]byte
	if c.SetReadDeadline(past) != nil {
		return true
	}
	if _, err := c.Read(one[:]); !isTimeout(err) {
		return true
	}
	return c.SetDeadline(deadline) != nil
}

// isTimeout says whether a deadline ended it.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
