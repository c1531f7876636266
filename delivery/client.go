package delivery

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/saumer/saumer/http1"
)

const (
	// idleTime is how long a connection is kept for later.
	idleTime = 90 * time.Second
	// connAge is how long a connection is used again: a host that has moved is found after that.
	connAge = 5 * time.Minute
	// cachedURLs bounds the URLs that are kept taken apart.
	cachedURLs = 10_000
	// hidden stands for the value of a header that may hold a credential.
	hidden = "(hidden)"
)

// Options of a client.
type Options struct {
	// Timeout bounds an attempt whose target has none of its own, ConnectTimeout its dialing and its TLS handshake each. The
	// look-up of a name has a time of its own.
	Timeout, ConnectTimeout time.Duration
	// AllowCIDRs are networks that may be dialed though they are not public.
	AllowCIDRs []netip.Prefix
	// Own are where Saumer itself is reached, host:port each, which are not dialed: addresses that it listens on, and the host of
	// its public URL.
	Own []string
	// IdleConns bounds the connections that are kept for later, to all hosts together; 0: none is kept. As many as there are
	// attempts under way are worth it: a thousand webhooks may be at one host, and each attempt would have to dial. No more
	// are kept than a part of the files that the process may open.
	IdleConns int
	// Version is what User-Agent says.
	Version string
	// Now tells the time, for certificates, signatures and what is written of attempts; nil is time.Now.
	Now func() time.Time
	// Dial replaces resolving and dialing, and with them the check of addresses; for tests in virtual time.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes attempts. It is safe for concurrent use.
//
// They go by [http1]; what that does not take goes by net/http: HTTP/2 and large bodies. No proxy is used, whatever the
// environment says: the address that is checked is the one that is dialed.
type Client struct {
	options Options
	agent   string
	http1   *http1.Client
	relay   *relay
	// tls is what handshakes begin with.
	tls       *tls.Config
	dialer    *dialer
	endpoints *lru.Cache[string, *endpoint]
}

// endpoint is a webhook's URL taken apart: shown is its host as it was entered, url what is sent, addr what is dialed, and key
// what connections of the relay are kept by.
type endpoint struct {
	shown     string
	url       *url.URL
	http1     *http1.Endpoint
	secure    bool
	addr, key string
}

// NewClient makes a client.
func NewClient(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{options: o, agent: "Saumer/" + o.Version, tls: &tls.Config{Time: o.Now}}
	c.endpoints, _ = lru.New[string, *endpoint](cachedURLs) // fails only for a size below 1
	dial := o.Dial
	if c.dialer = newDialer(o.AllowCIDRs, o.Own, o.ConnectTimeout); dial == nil {
		dial = c.dialer.dial
	}
	dial = sparing(dial, func() bool { return c.http1.GiveUp() || c.relay.lines.giveUp() })
	idle := fewer(o.IdleConns, OpenFiles())
	c.http1 = http1.New(http1.Options{
		Dial: dial, TLS: c.tls, HandshakeTimeout: o.ConnectTimeout, IdleConns: idle, IdleTime: idleTime, ConnAge: connAge,
	})
	c.relay = newRelay(relayOptions{http1: c.http1, dial: dial, tls: c.tls, handshake: o.ConnectTimeout, idle: idle})
	return c
}

// Close closes the connections that are kept for later, and keeps none from then on.
func (c *Client) Close() {
	c.http1.Close()
	c.relay.lines.close()
}

// Do makes one attempt and returns what came of it. It follows no redirect, makes two connections at most, and takes no longer
// than the target's timeout, to the end of the response. If ctx ends first, the outcome is Aborted.
//
// The request is sent once. It is sent once more, over a fresh connection, if that says nothing of the endpoint: a connection
// that was used before ended before the first byte of an answer, or HTTP/2 said that the request was not processed.
func (c *Client) Do(ctx context.Context, t Target, r Request) Attempt {
	a := Attempt{Seq: r.Seq, ID: r.ID, Number: r.Number, Published: r.Published, Replay: r.Replay, Test: r.Test, At: c.options.Now()}
	timeout := cmp.Or(t.Timeout, c.options.Timeout)
	began := time.Now()
	err := c.post(ctx, began.Add(timeout), t, r, &a)
	a.Duration = time.Since(began)
	c.fail(ctx, t, err, timeout, &a)
	return a
}

// Probe says whether a target's endpoint can be reached: it connects and, for https, does the TLS handshake, and sends
// no request. Reached, the outcome is Delivered; else it is what an attempt would have met. It is not logged. If ctx
// ends first, the outcome is Aborted.
func (c *Client) Probe(ctx context.Context, t Target) Attempt {
	a := Attempt{Number: 1, At: c.options.Now(), Outcome: Delivered}
	timeout := cmp.Or(t.Timeout, c.options.Timeout)
	began := time.Now()
	err := c.reach(ctx, began.Add(timeout), t.URL)
	a.Duration = time.Since(began)
	c.fail(ctx, t, err, timeout, &a)
	return a
}

// Shown is the header that an attempt of this request at a time has, for people to see: signed with the secrets of
// today, and without the values of the user's own headers.
func (c *Client) Shown(t Target, r Request, at time.Time) http.Header {
	own := make(map[string]string, len(t.Headers))
	for name := range t.Headers {
		own[name] = hidden
	}
	t.Headers = own
	return header(fields(nil, c.agent, t, r, at))
}

// CheckAddress refuses a URL whose host is, or resolves only to, addresses that are not dialed, or is Saumer's own: ErrForbidden.
// That the name does not resolve at the moment is no error: each attempt checks again.
func (c *Client) CheckAddress(ctx context.Context, u *url.URL) error {
	if c.options.Dial != nil {
		return nil
	}
	host, err := hostname(u)
	if err != nil {
		return err
	}
	own, port := ownPlaces(c.options.Own), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	if ip, err := netip.ParseAddr(host); err == nil {
		if err := permit(ip, c.options.AllowCIDRs); err != nil {
			return err
		}
		return own.check(host, port, ip)
	}
	if err := own.refuseName(host, port); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.ConnectTimeout)
	defer cancel()
	ips, err := c.dialer.lookup(ctx, host)
	if err != nil {
		return nil // as said above
	}
	for _, ip := range ips {
		if err = permit(ip, c.options.AllowCIDRs); err == nil {
			err = own.check(host, port, ip)
		}
		if err == nil {
			return nil
		}
	}
	return err
}
