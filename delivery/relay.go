package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// relay makes an attempt by net/http, and remembers which hosts choose HTTP/1.1.
func (c *Client) relay(ctx context.Context, deadline time.Time, e *endpoint, t Target, r Request, a *Attempt) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	req := (&http.Request{
		Method: http.MethodPost, URL: e.url, Host: e.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
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
	if res.TLS != nil && res.TLS.NegotiatedProtocol == http1 {
		c.http1.Add(e.addr, struct{}{})
	}
	defer func() { _ = res.Body.Close() }() // what was to be known has been read
	a.Status = res.StatusCode
	// What follows a 101 is no body, and net/http holds no deadline for it.
	if res.StatusCode != http.StatusSwitchingProtocols {
		var scratch [kept]byte
		if _, err = readBody(res.Body, scratch[:], a); err != nil {
			return err
		}
	}
	c.judge(a, res.Header.Get("Retry-After"))
	return nil
}

func body(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }

// readBody reads a response's body up to maxResponse, through scratch, and keeps its first part in the attempt. It says
// whether that was all of it; only then can the connection be used again.
func readBody(from io.Reader, scratch []byte, a *Attempt) (all bool, err error) {
	total := 0
	for err == nil && total < maxResponse {
		room := scratch[:min(len(scratch), maxResponse-total)]
		n := 0
		n, err = from.Read(room)
		if missing := kept - len(a.Response); n > 0 && missing > 0 {
			a.Response = append(a.Response, room[:min(n, missing)]...)
		}
		total += n
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the response: %w", err)
	}
	return err != nil, nil
}
