package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// maxResponse is how much of a response is read, kept how much of it the attempt log keeps.
	maxResponse = 64 << 10
	kept        = 1 << 10
	// idleConns bounds the connections that are kept for later, idlePerHost those to one host.
	idleConns   = 4096
	idlePerHost = 256
	idleTime    = 90 * time.Second
	// cachedURLs bounds the URLs that are kept taken apart.
	cachedURLs = 10_000
)

// Options of a client.
type Options struct {
	// Timeout bounds an attempt whose target has none of its own, ConnectTimeout its dialing and its TLS handshake each.
	Timeout, ConnectTimeout time.Duration
	// AllowCIDRs are networks that may be dialed though they are not public.
	AllowCIDRs []netip.Prefix
	// Version is what User-Agent says.
	Version string
	// Now tells the time, for signatures and what is written of attempts; nil is time.Now.
	Now func() time.Time
	// Dial replaces resolving and dialing, and with them the check of addresses; for tests in virtual time.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes attempts. It is safe for concurrent use.
type Client struct {
	options   Options
	transport *http.Transport
	urls      *lru.Cache[string, *url.URL]
	// Values of headers that are the same for every attempt.
	contentType, userAgent, one []string
}

// NewClient makes a client.
func NewClient(o Options) *Client {
	c := &Client{
		options: o, contentType: []string{"application/json"}, userAgent: []string{"Saumer/" + o.Version}, one: []string{"1"},
	}
	if c.options.Now == nil {
		c.options.Now = time.Now
	}
	// It fails for a size below 1 alone.
	c.urls, _ = lru.New[string, *url.URL](cachedURLs)
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second, Control: c.guard}).DialContext
	}
	c.transport = &http.Transport{
		DialContext:            dial,
		TLSHandshakeTimeout:    o.ConnectTimeout,
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxResponse,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	return c
}

// Close closes the connections that are kept for later.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// overtime is the cause of an attempt that took too long.
type overtime struct{ after time.Duration }

func (o overtime) Error() string        { return fmt.Sprintf("no complete answer within %v", o.after) }
func (o overtime) Timeout() bool        { return true }
func (o overtime) Temporary() bool      { return true }
func (o overtime) Is(target error) bool { return target == context.DeadlineExceeded }

// Do makes one attempt and returns what came of it. It never sends a request twice, follows no redirect, and takes no
// longer than the target's timeout, to the end of the response. If ctx ends first, the outcome is Aborted.
func (c *Client) Do(ctx context.Context, t Target, r Request) Attempt {
	a := Attempt{Seq: r.Seq, ID: r.ID, Number: r.Number, Replay: r.Replay, Test: r.Test, At: c.options.Now()}
	began := time.Now()
	timeout := t.Timeout
	if timeout == 0 {
		timeout = c.options.Timeout
	}
	timed, cancel := context.WithTimeoutCause(ctx, timeout, overtime{timeout})
	defer cancel()
	err := c.post(timed, t, r, &a)
	a.Duration = time.Since(began)
	if err != nil {
		c.classify(ctx, timed, t, err, &a)
	}
	return a
}

// post sends the request and reads the response.
func (c *Client) post(ctx context.Context, t Target, r Request, a *Attempt) error {
	u, err := c.url(t.URL)
	if err != nil {
		return err
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: c.header(t, r, a.At), ContentLength: int64(len(r.Data)),
		Body: body(r.Data),
		// The transport begins anew on another connection if nothing was written to one that the endpoint had closed
		// meanwhile. A POST of which something was written it sends again only with an Idempotency-Key, which is
		// reserved (net/http, Request.isReplayable).
		GetBody: func() (io.ReadCloser, error) { return body(r.Data), nil },
	}).WithContext(ctx)
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // what was to be known has been read
	a.Status = res.StatusCode
	var first [kept]byte
	n, err := 0, error(nil)
	for n < kept && err == nil {
		var m int
		m, err = res.Body.Read(first[n:])
		n += m
	}
	if n > 0 {
		a.Response = bytes.Clone(first[:n])
	}
	if err == nil {
		// To the end, if that is near, so that the connection can be used again.
		_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxResponse-kept))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the response: %w", err)
	}
	c.judge(a, res)
	return nil
}

func body(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }

// judge turns a response into an outcome.
func (c *Client) judge(a *Attempt, res *http.Response) {
	switch status := res.StatusCode; {
	case status >= 200 && status < 300:
		a.Outcome = Delivered
		return
	case status >= 300 && status < 400:
		a.Outcome = Redirect
		a.Error = fmt.Sprintf("the endpoint answered %s; redirects are not followed", status3(status))
	case status == http.StatusGone:
		a.Outcome = Gone
		a.Error = "the endpoint answered 410 Gone"
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		a.Outcome = Unavailable
		a.Error = "the endpoint answered " + status3(status)
	default:
		a.Outcome = Status
		a.Error = "the endpoint answered " + status3(status)
	}
	a.RetryAfter = parseRetryAfter(res.Header.Get("Retry-After"), c.options.Now())
}

// status3 is a status in words; the endpoint's own words are not trusted.
func status3(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d", status)
}

// url takes a URL apart, once.
func (c *Client) url(raw string) (*url.URL, error) {
	if u, ok := c.urls.Get(raw); ok {
		return u, nil
	}
	u, err := CheckURL(raw)
	if err == nil {
		c.urls.Add(raw, u)
	}
	return u, err
}

// classify turns an error into an outcome and a sentence that holds of the URL no more than the host.
func (c *Client) classify(ctx, timed context.Context, t Target, err error, a *Attempt) {
	host := "the endpoint"
	if u, e := c.url(t.URL); e == nil {
		host = u.Host
	}
	var (
		dns     *net.DNSError
		op      *net.OpError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		certErr *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		expired x509.CertificateInvalidError
	)
	slow := func(err error) bool {
		var timeout interface{ Timeout() bool }
		return errors.As(err, &timeout) && timeout.Timeout()
	}
	switch {
	case ctx.Err() != nil:
		a.Outcome, a.Error = Aborted, "cut off, since Saumer stops"
	case timed.Err() != nil:
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: %v", host, context.Cause(timed))
	case errors.Is(err, ErrURL):
		a.Outcome, a.Error = Forbidden, err.Error()
	case errors.Is(err, ErrForbidden):
		a.Outcome, a.Error = Forbidden, fmt.Sprintf("%s: %v", host, ErrForbidden)
	case errors.As(err, &dns):
		a.Outcome, a.Error = DNS, fmt.Sprintf("%s: the name cannot be resolved", host)
		if dns.IsNotFound {
			a.Error = fmt.Sprintf("%s: there is no such name", host)
		}
	case errors.As(err, &record):
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: does not speak TLS", host)
	case errors.As(err, &certErr), errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &expired):
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: the certificate is not trusted", host)
	case errors.As(err, &alert):
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: the TLS handshake failed: %v", host, alert)
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no connection within %v", host, c.options.ConnectTimeout)
	case errors.As(err, &op) && op.Op == "dial":
		a.Outcome, a.Error = Refused, fmt.Sprintf("%s: %s", host, plain(op))
	case err.Error() == "net/http: TLS handshake timeout":
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no TLS handshake within %v", host, c.options.ConnectTimeout)
	case slow(err):
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: the connection timed out", host)
	default:
		a.Outcome, a.Error = Broken, fmt.Sprintf("%s: the connection broke, or what came back is not HTTP", host)
	}
}

// plain is the reason why a connection was not made, in words.
func plain(op *net.OpError) string {
	switch {
	case errors.Is(op, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(op, syscall.EHOSTUNREACH), errors.Is(op, syscall.ENETUNREACH):
		return "there is no way to the host"
	}
	return "the connection could not be made"
}
