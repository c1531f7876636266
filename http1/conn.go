package http1

import (
	"cmp"
	"errors"
	"net"
	"os"
	"time"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// protocol is HTTP/1.1 as TLS chooses it (RFC 7301).
const protocol = "http/1.1"

// errStale is the end of an idle connection that is of no use any more.
var errStale = errors.New("the idle connection is of no use any more")

// conn is a connection to an endpoint that speaks HTTP/1.1. One request uses it at a time.
type conn struct {
	net.Conn // the socket, or TLS over it
	key      route
	socket   *socket
	one      [1]byte
	// made is when it was dialed, limit how long its endpoint keeps it while it is idle, if it said so, else 0.
	made  time.Time
	limit time.Duration
	// The pool's: when it became idle, and what did before and after it.
	since        time.Time
	older, newer *conn
}

// route is what connections are kept by: any request to the same address may use them.
type route struct {
	addr   string
	secure bool
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

// exchange sends a request and reads the first bytes of the response. If only a part could be written, an answer
// counts all the same; what was written of it TLS does not always tell. A plain connection that was used before is looked at first: the error is errStale, and nothing
// was written, if its endpoint has closed it, or has sent what nobody asked for.
func (c *conn) exchange(request, into []byte, reused bool) (written, n int, err error) {
	if c.plain() {
		if written, n, err = c.socket.exchange(request, into, reused); err != nil || written == len(request) {
			return written, n, err
		}
	}
	more, err := c.Write(request[written:])
	if written += more; err != nil && written == 0 && reused {
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
