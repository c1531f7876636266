package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/saumer/saumer/http1"
)

const (
	// pingAfter is how long an HTTP/2 connection may be silent before it is pinged, and pingWait how long an answer may take.
	// Without one the connection is left: a NAT on the way may have forgotten it.
	pingAfter, pingWait = 5 * time.Second, 5 * time.Second
	// mostDials bounds the connections that an attempt makes.
	mostDials = 2
	// protocol1 and protocol2 are HTTP/1.1 and HTTP/2 as TLS chooses them (RFC 7301).
	protocol1, protocol2 = "http/1.1", "h2"
)

// The codes of HTTP/2 that are told from others (RFC 9113, section 7).
const (
	refusedStream  = 0x7
	http11Required = 0xd
)

// relay makes the requests that http1 does not take, by net/http: over HTTP/2, and large ones over HTTP/1.1. It has a pool of
// connections of its own: net/http's dials again without an end where an endpoint takes no request on any, and has no age
// for them. It is safe for concurrent use.
type relay struct {
	http1 *http1.Client
	lines *lines
	// either offers HTTP/2 and HTTP/1.1 by TLS, older only HTTP/1.1.
	either, older *http.Transport
}

// relayOptions are a relay's: how it dials, and what handshakes begin with.
type relayOptions struct {
	http1     *http1.Client
	dial      dialFunc
	tls       *tls.Config
	handshake time.Duration
	idle      int
}

func newRelay(o relayOptions) *relay {
	return &relay{http1: o.http1, lines: newLines(o.idle, idleTime, connAge), either: o.transport(protocol2, protocol1), older: o.transport(protocol1)}
}

// transport makes connections that offer these protocols by TLS.
func (o relayOptions) transport(protocols ...string) *http.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := o.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &listening{Conn: c}, nil
	}
	return &http.Transport{
		DialContext: dial,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			config := o.tls.Clone()
			config.NextProtos = protocols
			config.ServerName, _, _ = net.SplitHostPort(address) // it was joined here
			secured, err := http1.Handshake(ctx, c, config, o.handshake)
			if err != nil {
				_ = c.Close() // nothing was sent
				return nil, err
			}
			if chosen, ok := ctx.Value(chosenKey{}).(*string); ok {
				*chosen = secured.ConnectionState().NegotiatedProtocol
			}
			return secured, nil
		},
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWait},
		MaxResponseHeaderBytes: http1.MaxResponse,
		DisableCompression:     true,
		ForceAttemptHTTP2:      len(protocols) > 1,
	}
}

// chosenKey is the key of where a dial says which protocol the endpoint chose.
type chosenKey struct{}

// listening is a connection that can still be read from when it cannot be written to any more: an endpoint that does not want
// the rest of a request may have answered. What is written from then on is lost.
type listening struct {
	net.Conn
	lost atomic.Bool
}

func (l *listening) Write(p []byte) (int, error) {
	if l.lost.Load() {
		return len(p), nil
	}
	if _, err := l.Conn.Write(p); err != nil {
		l.lost.Store(true)
	}
	return len(p), nil
}

// post sends a request, and reads the response. Dials counts the attempt's connections, and is kept up. If the endpoint did
// not process the request, or if a connection that was used before ended before the first byte of an answer, the request is
// sent once more over a fresh connection.
func (r *relay) post(ctx context.Context, deadline time.Time, e *endpoint, fields []http1.Field, data []byte, dials *int) (http1.Response, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for fresh, again := r.http1.WantsFresh(e.http1), false; ; fresh, again = true, true {
		l, err := r.connect(ctx, e, fresh, dials)
		if err != nil {
			return http1.Response{}, err
		}
		used := l.answered.Load()
		res, begun, err := l.send(ctx, e, fields, data)
		r.lines.release(l, ctx.Err() != nil)
		if err == nil || begun || again || *dials >= mostDials || ctx.Err() != nil {
			return res, err
		}
		switch {
		case unprocessed(err):
		case used && l.conn.Err() != nil:
			r.http1.Crossed(e.http1)
		default:
			return res, err
		}
	}
}

// connect returns a connection with room for a request. Whoever gets it releases it.
func (r *relay) connect(ctx context.Context, e *endpoint, fresh bool, dials *int) (*line, error) {
	if fresh {
		return r.dial(ctx, e, dials)
	}
	for {
		l, dialing, finish := r.lines.take(e.key, e.secure && !r.http1.Learned(e.http1))
		switch {
		case l != nil:
			return l, nil
		case dialing != nil:
			select {
			case <-dialing.done:
				if dialing.err != nil && dialing.ctx.Err() == nil {
					return nil, dialing.err
				}
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		default:
			l, err := r.dial(ctx, e, dials)
			finish(ctx, err)
			return l, err
		}
	}
}

// dial makes a connection, and has http1 know which endpoints choose HTTP/1.1. One that did and does not any more is dialed
// once more.
func (r *relay) dial(ctx context.Context, e *endpoint, dials *int) (*line, error) {
	scheme, chosen := "http", ""
	if e.secure {
		scheme = "https"
	}
	for ctx := context.WithValue(ctx, chosenKey{}, &chosen); ; {
		by := r.either
		if e.secure && r.http1.Learned(e.http1) {
			by = r.older
		}
		*dials++
		conn, err := by.NewClientConn(ctx, scheme, e.addr)
		if err == nil && by == r.older && chosen != protocol1 {
			_ = conn.Close() // nothing was sent
			err = http1.ErrNotChosen
		}
		switch {
		case err == nil:
			if chosen == protocol1 {
				r.http1.Learn(e.http1)
			}
			return r.lines.add(&line{conn: conn, key: e.key, http2: chosen == protocol2, made: time.Now()}), nil
		case by == r.older:
			r.http1.Forget(e.http1)
			if *dials < mostDials && (errors.Is(err, http1.ErrNotChosen) || http1.Alerted(err, http1.NoApplicationProtocol)) {
				continue
			}
		}
		return nil, err
	}
}

// send sends the request over the connection, and reads the response. It says whether one began.
func (l *line) send(ctx context.Context, e *endpoint, fields []http1.Field, data []byte) (res http1.Response, began bool, err error) {
	var begun atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { begun.Store(true) }})
	answer, err := l.conn.RoundTrip((&http.Request{
		Method: http.MethodPost, URL: e.url, Host: e.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header(fields), ContentLength: int64(len(data)), Body: io.NopCloser(bytes.NewReader(data)),
	}).WithContext(ctx))
	if err != nil {
		return http1.Response{}, begun.Load(), err
	}
	l.answered.Store(true)
	l.limit.Store(int64(http1.KeepAlive(answer.Header)))
	defer func() { _ = answer.Body.Close() }() // what was to be known has been read
	res = http1.Response{Status: answer.StatusCode, Header: answer.Header}
	// What follows a 101 is no body, and net/http holds no deadline for it.
	if res.Status != http.StatusSwitchingProtocols {
		res.Body, _, err = http1.ReadBody(answer.Body, make([]byte, http1.MaxKept))
	}
	return res, true, err
}

// streamError is what net/http's error of an HTTP/2 stream can be read as by errors.As: that has these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "an HTTP/2 stream ended" }

// unprocessed says whether an error means that the endpoint has not processed the request, and never will (RFC 9113, section
// 8.7).
func unprocessed(err error) bool {
	if s, ok := errors.AsType[streamError](err); ok {
		return s.Code == refusedStream
	}
	// net/http has no names for these two.
	return strings.HasSuffix(err.Error(), "client conn not usable") || strings.HasSuffix(err.Error(), "graceful shutdown GOAWAY")
}

// wantsHTTP1 says whether an endpoint asked for the request over HTTP/1.1.
func wantsHTTP1(err error) bool {
	s, ok := errors.AsType[streamError](err)
	return ok && s.Code == http11Required
}
