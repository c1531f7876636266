package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/saumer/saumer/http1"
)

// endpoint takes a URL apart, once. Its error is an ErrURL.
func (c *Client) endpoint(raw string) (*endpoint, error) {
	if e, ok := c.endpoints.Get(raw); ok {
		return e, nil
	}
	u, err := CheckURL(raw)
	if err != nil {
		return nil, err
	}
	e := &endpoint{url: u, http1: http1.NewEndpoint(u)}
	c.endpoints.Add(raw, e)
	return e, nil
}

// host is what errors say of a URL.
func (c *Client) host(raw string) string {
	e, err := c.endpoint(raw)
	if err != nil {
		return "the endpoint"
	}
	return e.url.Host
}

// post sends the request and reads the response, by the way that is right for it. Of a response that did not come complete
// the attempt has what came.
func (c *Client) post(ctx context.Context, deadline time.Time, t Target, r Request, a *Attempt) error {
	e, err := c.endpoint(t.URL)
	if err != nil {
		return err
	}
	var room [16]http1.Field
	header := fields(room[:0], c.agent, t, r, a.At)
	res, err := c.http1.Post(ctx, deadline, e.http1, header, r.Data)
	if errors.Is(err, http1.ErrUnsupported) {
		res, err = c.relay(ctx, deadline, e, header, r.Data)
	}
	a.Status, a.Response = res.Status, res.Body
	if err == nil {
		judge(a, res.Header, c.options.Now())
	}
	return err
}

// reach connects and says goodbye.
func (c *Client) reach(ctx context.Context, deadline time.Time, url string) error {
	e, err := c.endpoint(url)
	if err != nil {
		return err
	}
	if err = c.http1.Reach(ctx, deadline, e.http1); errors.Is(err, http1.ErrUnsupported) {
		return nil // it is there, and speaks only HTTP/2
	}
	return err
}

// fail notes what an attempt failed of, if it did: our own stop, its timeout, or what the error says.
func (c *Client) fail(ctx context.Context, t Target, err error, timeout time.Duration, a *Attempt) {
	switch {
	case err == nil:
	case ctx.Err() != nil:
		a.Outcome, a.Error = Aborted, "cut off, since Saumer stops"
	case a.Duration >= timeout:
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no complete answer within %v", c.host(t.URL), timeout)
	default:
		classify(a, c.host(t.URL), err, c.options.ConnectTimeout)
	}
}

// relay sends the request by net/http, and has the other way learn which hosts choose HTTP/1.1.
func (c *Client) relay(ctx context.Context, deadline time.Time, e *endpoint, fields []http1.Field, data []byte) (http1.Response, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	req := (&http.Request{
		Method: http.MethodPost, URL: e.url, Host: e.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header(fields), ContentLength: int64(len(data)),
		Body: body(data),
		// The transport begins anew on another connection if nothing was written to one that the endpoint had closed
		// meanwhile. A POST of which something was written it sends again only with an Idempotency-Key, which is
		// reserved (net/http, Request.isReplayable).
		GetBody: func() (io.ReadCloser, error) { return body(data), nil },
	}).WithContext(ctx)
	answer, err := c.transport.RoundTrip(req)
	if err != nil {
		return http1.Response{}, err
	}
	if answer.TLS != nil && answer.TLS.NegotiatedProtocol == "http/1.1" {
		c.http1.Learn(e.http1)
	}
	defer func() { _ = answer.Body.Close() }() // what was to be known has been read
	res := http1.Response{Status: answer.StatusCode, Header: answer.Header}
	// What follows a 101 is no body, and net/http holds no deadline for it.
	if res.Status != http.StatusSwitchingProtocols {
		res.Body, _, err = http1.ReadBody(answer.Body, make([]byte, http1.MaxKept))
	}
	return res, err
}

func body(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }
