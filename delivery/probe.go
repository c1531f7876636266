package delivery

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Probe says whether a target's endpoint can be reached: it connects and, for https, does the TLS handshake, and sends
// no request. Reached, the outcome is Delivered; else it is what an attempt would have met. It is not logged. If ctx
// ends first, the outcome is Aborted.
func (c *Client) Probe(ctx context.Context, t Target) Attempt {
	a := Attempt{Number: 1, At: c.options.Now(), Outcome: Delivered}
	timeout := cmp.Or(t.Timeout, c.options.Timeout)
	began := time.Now()
	deadline := began.Add(timeout)
	err := c.reach(ctx, deadline, t.URL)
	ended := time.Now()
	a.Duration = ended.Sub(began)
	if err != nil {
		c.classify(ctx, late(ended, deadline, timeout), t, err, &a)
	}
	return a
}

// reach connects and says goodbye.
func (c *Client) reach(ctx context.Context, deadline time.Time, url string) error {
	e, err := c.endpoint(url)
	if err != nil {
		return err
	}
	conn, err := c.connect(ctx, deadline, e)
	if errors.Is(err, errProtocol) {
		return nil // it is there, and speaks HTTP/2 alone
	}
	if err != nil {
		return err
	}
	_ = conn.Close() // what was to be known is known
	return nil
}
