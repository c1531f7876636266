package delivery

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

const (
	// http1 is HTTP/1.1 as TLS chooses it, noApplicationProtocol the alert that says that nothing was chosen (RFC 7301).
	http1                 = "http/1.1"
	noApplicationProtocol = tls.AlertError(120)
	// remoteAlert is what crypto/tls calls an alert of the endpoint.
	remoteAlert = "remote error"
)

// errProtocol is the end of a connection on which the endpoint did not choose HTTP/1.1; nothing was sent.
var errProtocol = errors.New("the endpoint does not choose HTTP/1.1")

// errStale is the end of an idle connection that is of no use any more.
var errStale = errors.New("the idle connection is of no use any more")

// errHandshake is the end of a handshake that took longer than the client's ConnectTimeout.
var errHandshake = errors.New("the TLS handshake took too long")

// conn is a connection to an endpoint that speaks HTTP/1.1. One attempt uses it at a time.
type conn struct {
	net.Conn // the socket, or TLS over it
	key      route
	socket   *socket
	one      [1]byte
	// The pool's: when it became idle, and what did before and after it.
	since        time.Time
	older, newer *conn
}

// route is what connections are kept by: any webhook at the same address may use them.
type route struct {
	addr   string
	secure bool
}

// connect dials an endpoint and, for https, shakes hands. Its error is errProtocol if the endpoint does not choose HTTP/1.1.
func (c *Client) connect(ctx context.Context, deadline time.Time, e *endpoint) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	dialed, err := c.dial(ctx, "tcp", e.addr)
	if err != nil {
		return nil, err
	}
	made := &conn{key: route{e.addr, e.secure}}
	if made.socket, err = newSocket(dialed); err != nil {
		_ = dialed.Close() // nothing was sent
		return nil, err
	}
	made.Conn = made.socket
	if e.secure {
		if made.Conn, err = c.handshake(ctx, made.socket, e); err != nil {
			// What it chose once it does not choose any more.
			c.http1.Remove(e.addr)
			_ = dialed.Close() // nothing was sent
			return nil, err
		}
	}
	return made, nil
}

// handshake makes a socket a TLS connection that speaks HTTP/1.1. Its error is errProtocol if the endpoint does not
// choose that.
func (c *Client) handshake(ctx context.Context, socket net.Conn, e *endpoint) (net.Conn, error) {
	shaking := ctx
	if c.options.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		shaking, cancel = context.WithTimeout(ctx, c.options.ConnectTimeout)
		defer cancel()
	}
	secured := tls.Client(socket, &tls.Config{ServerName: e.server, NextProtos: []string{http1}, RootCAs: c.roots, Time: c.options.Now})
	err := secured.HandshakeContext(shaking)
	var op *net.OpError
	switch {
	case err == nil && secured.ConnectionState().NegotiatedProtocol == http1:
		return secured, nil
	case err == nil, errors.As(err, &op) && op.Op == remoteAlert && op.Err.Error() == noApplicationProtocol.Error():
		return nil, errProtocol
	case shaking.Err() != nil && ctx.Err() == nil:
		return nil, errHandshake
	}
	return nil, err
}

// ready sets the deadline of a connection that is to be used. It fails if that is of no use.
func (c *conn) ready(deadline time.Time, reused bool) error {
	if reused && !c.plain() && c.closed() {
		return errStale
	}
	return c.SetDeadline(deadline)
}

// plain says whether the connection is nothing but a socket, which looks at itself when it is used.
func (c *conn) plain() bool { return !c.key.secure && c.socket.raw != nil }

// exchange sends a request and reads the first bytes of the response. If a part alone could be written, an answer
// counts all the same. A plain connection that was used before is looked at first: the error is errStale, and nothing
// was written, if its endpoint has closed it, or has sent what nobody asked for.
func (c *conn) exchange(request, into []byte, reused bool) (written, n int, err error) {
	if c.plain() {
		if written, n, err = c.socket.exchange(request, into, reused); err != nil || written == len(request) {
			return written, n, err
		}
	}
	more, err := c.Write(request[written:])
	if written += more; err != nil && written == 0 {
		return 0, 0, err
	}
	n, failed := c.Read(into)
	if n > 0 {
		return written, n, failed
	}
	return written, 0, cmp.Or(err, failed)
}

// closed says whether an idle connection is of no use any more: the endpoint has closed it, or has sent what nobody
// asked for. It does not wait, and leaves no deadline that could be relied on. What TLS sends for itself, such as session
// tickets, it takes in.
func (c *conn) closed() bool {
	c.socket.looking = true
	_, err := c.Read(c.one[:])
	c.socket.looking = false
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// Close closes the socket. TLS' farewell is left out: an endpoint that reads nothing could make it wait.
func (c *conn) Close() error { return c.socket.Close() }

// isTimeout says whether a deadline ended it.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
