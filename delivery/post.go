package delivery

import (
	"context"
	"errors"
	"fmt"
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
	sent, err := asSent(u)
	if err != nil {
		return nil, err
	}
	e := &endpoint{shown: u.Host, url: sent, http1: http1.NewEndpoint(sent), secure: sent.Scheme == "https", addr: address(sent)}
	e.key = sent.Scheme + "://" + e.addr
	c.endpoints.Add(raw, e)
	return e, nil
}

// host is what errors say of a URL.
func (c *Client) host(raw string) string {
	e, err := c.endpoint(raw)
	if err != nil {
		return "the endpoint"
	}
	return e.shown
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
	dials := 0
	res, err := c.send(ctx, deadline, e, header, r.Data, &dials)
	if err != nil && dials < mostDials && wantsHTTP1(err) {
		c.http1.Learn(e.http1)
		res, err = c.send(ctx, deadline, e, header, r.Data, &dials)
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
		classify(a, c.host(t.URL), err, c.options.ConnectTimeout, c.options.Now())
	}
}

// send sends the request by http1, or else by net/http.
func (c *Client) send(ctx context.Context, deadline time.Time, e *endpoint, fields []http1.Field, data []byte, dials *int) (http1.Response, error) {
	res, err := c.http1.Post(ctx, deadline, e.http1, fields, data)
	if !errors.Is(err, http1.ErrUnsupported) {
		return res, err
	}
	if errors.Is(err, http1.ErrNotChosen) {
		*dials++
	}
	return c.relay.post(ctx, deadline, e, fields, data, dials)
}
