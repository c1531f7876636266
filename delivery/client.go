package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// maxResponse is how much of a response is read, of its headers and of its body each, kept how much of the body the
	// attempt log keeps.
	maxResponse = 64 << 10
	kept        = 1 << 10
	// idleConns bounds the connections that are kept for later, to all hosts: as many as there are attempts under way. One
	// host may have them all, since a thousand webhooks may be at one, and each attempt would have to dial else.
	idleConns = 8192
	idleTime  = 90 * time.Second
	// cachedURLs bounds the URLs that are kept taken apart, cachedHosts the hosts of which the protocol is remembered.
	cachedURLs  = 10_000
	cachedHosts = 10_000
)

// Options of a client.
type Options struct {
	// Timeout bounds an attempt whose target has none of its own, ConnectTimeout its dialing and its TLS handshake each.
	Timeout, ConnectTimeout time.Duration
	// AllowCIDRs are networks that may be dialed though they are not public.
	AllowCIDRs []netip.Prefix
	// Version is what User-Agent says.
	Version string
	// Now tells the time, for certificates, signatures and what is written of attempts; nil is time.Now.
	Now func() time.Time
	// Dial replaces resolving and dialing, and with them the check of addresses; for tests in virtual time.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes attempts. It is safe for concurrent use.
//
// It speaks HTTP/1.1 by itself, over connections of its own ([Client.direct]); what that way is not made for goes by
// net/http ([Client.relay]): HTTP/2, large bodies, hosts that are not plain ASCII.
type Client struct {
	options   Options
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	idle      *pool
	stops     *stops
	exchanges sync.Pool // of *exchange
	transport *http.Transport
	endpoints *lru.Cache[string, *endpoint]
	// http1 are the hosts that were asked by TLS for HTTP/2 and chose HTTP/1.1.
	http1 *lru.Cache[string, struct{}]
	// roots are the authorities that are trusted, nil the system's.
	roots *x509.CertPool
	agent string
}

// NewClient makes a client.
func NewClient(o Options) *Client {
	c := &Client{options: o, dial: o.Dial, idle: newPool(), stops: newStops(), agent: "Saumer/" + o.Version}
	if c.options.Now == nil {
		c.options.Now = time.Now
	}
	// They fail for a size below 1 alone.
	c.endpoints, _ = lru.New[string, *endpoint](cachedURLs)
	c.http1, _ = lru.New[string, struct{}](cachedHosts)
	if c.dial == nil {
		c.dial = (&net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second, Control: c.guard}).DialContext
	}
	c.exchanges.New = func() any { return newExchange() }
	c.transport = &http.Transport{
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{Time: c.options.Now},
		TLSHandshakeTimeout:    o.ConnectTimeout,
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxResponse,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	return c
}

// Close closes the connections that are kept for later, and keeps none from then on.
func (c *Client) Close() {
	c.idle.close()
	c.transport.CloseIdleConnections()
}

// Do makes one attempt and returns what came of it. It never sends a request twice, follows no redirect, and takes no
// longer than the target's timeout, to the end of the response. If ctx ends first, the outcome is Aborted.
func (c *Client) Do(ctx context.Context, t Target, r Request) Attempt {
	a := Attempt{Seq: r.Seq, ID: r.ID, Number: r.Number, Published: r.Published, Replay: r.Replay, Test: r.Test, At: c.options.Now()}
	timeout := t.Timeout
	if timeout == 0 {
		timeout = c.options.Timeout
	}
	began := time.Now()
	deadline := began.Add(timeout)
	err := c.post(ctx, deadline, t, r, &a)
	ended := time.Now()
	a.Duration = ended.Sub(began)
	if err != nil {
		c.classify(ctx, late(ended, deadline, timeout), t, err, &a)
	}
	return a
}

// post sends the request and reads the response, by the way that is right for it.
func (c *Client) post(ctx context.Context, deadline time.Time, t Target, r Request, a *Attempt) error {
	e, err := c.endpoint(t.URL)
	if err != nil {
		return err
	}
	if e.direct && len(r.Data) <= maxDirect && fits(r.Event) && fits(t.ID) && (!e.secure || c.http1.Contains(e.addr)) {
		if err = c.direct(ctx, deadline, e, t, r, a); !errors.Is(err, errProtocol) {
			return err
		}
	}
	return c.relay(ctx, deadline, e, t, r, a)
}
