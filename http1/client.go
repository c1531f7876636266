// Package http1 is an HTTP/1.1 client for one thing: many small POSTs to hosts that answer most of them.
//
// It exists because net/http costs nearly twice as much. 64 goroutines post 500 bytes to a loopback receiver; its CPU is
// counted as well. A delivery by this client, which is signed, takes 14 to 15 µs of CPU and 3 allocations; a request of
// net/http with nothing around it takes 25 to 29 µs and 58; bare sockets, which are the limit, take 12 µs (delivery's
// BenchmarkClient, BenchmarkNetHTTP and BenchmarkSocket, ten runs in turn on two cores). What is saved are the two
// goroutines of each connection, the maps of headers, and the read that finds nothing before the response comes.
//
// It reads a response as net/http does: it reads only the head that most endpoints answer with by itself, and leaves all
// others to net/http's parser. Tests play the same requests and responses by both ways, and compare what each side sees.
//
// It speaks no HTTP/2, sends no body above 32 KiB, writes no host that needs punycode, and follows no redirect; it
// knows no proxy, no cookie and no compression. For what it does not take it returns [ErrUnsupported] before anything is
// sent, and net/http does it instead.
package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// maxRequest is the largest body that is sent, in bytes. A larger one may not fit the buffers between the endpoint and
	// us, so that an answer that comes before it was read would have to be read meanwhile; net/http does that.
	maxRequest = 32 << 10
	// MaxResponse is how many bytes of a response are read, of its headers and of its body each, MaxKept how many of the
	// body are kept.
	MaxResponse = 64 << 10
	MaxKept     = 1 << 10
	// learnedHosts bounds the hosts of which it is remembered that they choose HTTP/1.1.
	learnedHosts = 10_000
)

// Errors of a request. With each of them, nothing was sent.
var (
	// ErrUnsupported is returned for a request that this client does not make: the URL's host or a header cannot be written
	// as it is, the body is too large, or the endpoint is reached by TLS and is not known to choose HTTP/1.1.
	ErrUnsupported = errors.New("not a request for this client")
	// ErrNotChosen is the ErrUnsupported of an endpoint that was dialed, and does not choose HTTP/1.1 by TLS.
	ErrNotChosen = fmt.Errorf("%w: the endpoint does not choose HTTP/1.1", ErrUnsupported)
	// ErrHandshake is returned if a TLS handshake took longer than the client's HandshakeTimeout.
	ErrHandshake = errors.New("the TLS handshake took too long")
)

// Options of a client.
type Options struct {
	// Dial makes a connection; it is asked for "tcp" and a host with its port.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is what handshakes begin with; ServerName and NextProtos are set for each. nil is the default of crypto/tls.
	TLS *tls.Config
	// HandshakeTimeout bounds a TLS handshake; 0 sets no bound but the request's deadline.
	HandshakeTimeout time.Duration
	// IdleConns bounds the connections that are kept for later, to all hosts together, IdleTime how long each is kept. If
	// either is 0, none is kept.
	IdleConns int
	IdleTime  time.Duration
	// ConnAge bounds how long a connection is used again; 0 sets no bound. A host that has moved is found after that.
	ConnAge time.Duration
}

// Field is a field of a request's header. It is written as it is.
type Field struct{ Name, Value string }

// Response is what came back.
type Response struct {
	// Status is 0 if no head of a response came.
	Status int
	// Header is that of a response whose status is no success. That of a success is not kept.
	Header http.Header
	// Body is the first part of the body, at most MaxKept bytes.
	Body []byte
}

// Client makes requests over connections of its own. It is safe for concurrent use.
type Client struct {
	options   Options
	idle      *pool
	stops     *stops
	exchanges sync.Pool // of *exchange
	// learned are the hosts that chose HTTP/1.1 when they were asked by TLS.
	learned *lru.Cache[string, struct{}]
	crossed *crossings
}

// New makes a client.
func New(o Options) *Client {
	if o.TLS == nil {
		o.TLS = &tls.Config{}
	}
	c := &Client{options: o, idle: newPool(o.IdleConns, o.IdleTime, o.ConnAge), stops: newStops(), crossed: newCrossings()}
	c.exchanges.New = func() any { return newExchange() }
	c.learned, _ = lru.New[string, struct{}](learnedHosts) // fails only for a size below 1
	return c
}

// Close closes the connections that are kept for later. From then on none is kept.
func (c *Client) Close() { c.idle.close() }

// Learn notes that an endpoint chose HTTP/1.1 when it was asked by TLS for HTTP/2 as well. Until then Post does not take
// its requests: most such endpoints choose HTTP/2, and a handshake would be wasted on each. A handshake that fails ends it.
func (c *Client) Learn(e *Endpoint) { c.learned.Add(e.addr, struct{}{}) }

// Forget ends what Learn noted.
func (c *Client) Forget(e *Endpoint) { c.learned.Remove(e.addr) }

// Learned says whether an endpoint is known to choose HTTP/1.1.
func (c *Client) Learned(e *Endpoint) bool { return c.learned.Contains(e.addr) }

// Crossed notes that an endpoint closed a connection that was used before while a request was on its way to it. Post notes
// that of its own.
func (c *Client) Crossed(e *Endpoint) { c.crossed.note(e) }

// WantsFresh says whether an endpoint did that so often lately that each request gets a connection of its own.
func (c *Client) WantsFresh(e *Endpoint) bool { return c.crossed.often(e) }

// GiveUp closes the connection that has been idle the longest. It says whether there was one.
func (c *Client) GiveUp() bool { return c.idle.giveUp() }

// Reach connects to an endpoint and, for https, shakes hands. It sends no request, and keeps nothing. The error is
// ErrUnsupported if the endpoint is there and does not choose HTTP/1.1.
func (c *Client) Reach(ctx context.Context, deadline time.Time, e *Endpoint) error {
	conn, err := c.connect(ctx, deadline, e)
	if err != nil {
		return err
	}
	_ = conn.Close() // what was to be known is known
	return nil
}

// Post sends a request and reads the response, at most MaxResponse bytes of its body. It blocks until then, until the
// deadline, or until ctx ends. What came before an error is in the response. An error that comes at the deadline or
// later is its doing, whatever it says. The header gets Host and Content-Length by itself.
//
// An idle connection is looked at before it is used, and one that its endpoint has closed is left for another; so is one on
// which not a byte could be written. If a connection that was used before ends when the request was written and before the
// first byte of an answer, that proves nothing: the endpoint may have closed it before it saw the request. The request is
// then sent once more, over a fresh connection. What happens on a fresh connection is the request's end.
func (c *Client) Post(ctx context.Context, deadline time.Time, e *Endpoint, header []Field, body []byte) (Response, error) {
	if !e.writable || len(body) > maxRequest || !writable(header) || e.secure && !c.learned.Contains(e.addr) {
		return Response{}, ErrUnsupported
	}
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	x := c.exchanges.Get().(*exchange)
	defer c.exchanges.Put(x)
	x.write(e, header, body)
	for fresh := c.crossed.often(e); ; {
		var conn *conn
		if !fresh {
			conn = c.idle.take(route{e.addr, e.secure})
		}
		reused := conn != nil
		if !reused {
			var err error
			if conn, err = c.connect(ctx, deadline, e); err != nil {
				return Response{}, err
			}
		}
		if err := conn.ready(deadline, reused); err != nil {
			_ = conn.Close() // nothing was sent
			if reused {
				continue
			}
			return Response{}, err
		}
		// The end of ctx ends what is read or written at the moment, and all that comes after.
		c.stops.begin(ctx, conn)
		end, res, err := x.roundTrip(conn, reused)
		if c.stops.end(ctx, conn) && end.reusable && err == nil {
			c.idle.put(conn)
		} else {
			_ = conn.Close() // what was to be known is known
		}
		if err == nil || !reused || end.answered || isTimeout(err) {
			return res, err
		}
		if end.written > 0 {
			c.crossed.note(e)
			fresh = true
		}
	}
}

// connect dials an endpoint and, for https, shakes hands. Its error is ErrNotChosen if the endpoint does not choose
// HTTP/1.1.
func (c *Client) connect(ctx context.Context, deadline time.Time, e *Endpoint) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	dialed, err := c.options.Dial(ctx, "tcp", e.addr)
	if err != nil {
		return nil, err
	}
	made := &conn{key: route{e.addr, e.secure}, made: time.Now()}
	if made.socket, err = newSocket(dialed); err != nil {
		_ = dialed.Close() // nothing was sent
		return nil, err
	}
	made.Conn = made.socket
	if e.secure {
		if made.Conn, err = c.handshake(ctx, made.socket, e); err != nil {
			// It may choose something else from now on.
			c.learned.Remove(e.addr)
			_ = dialed.Close() // nothing was sent
			return nil, err
		}
	}
	return made, nil
}

// handshake makes a socket a TLS connection that speaks HTTP/1.1. Its error is ErrNotChosen if the endpoint does not
// choose that.
func (c *Client) handshake(ctx context.Context, socket net.Conn, e *Endpoint) (net.Conn, error) {
	config := c.options.TLS.Clone()
	config.ServerName, config.NextProtos = e.server, []string{protocol}
	secured, err := Handshake(ctx, socket, config, c.options.HandshakeTimeout)
	switch {
	case err == nil && secured.ConnectionState().NegotiatedProtocol == protocol:
		return secured, nil
	case err == nil, Alerted(err, NoApplicationProtocol):
		return nil, ErrNotChosen
	}
	return nil, err
}
