package delivery

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Probe says why the host of a target cannot be reached, or nil if it accepts a connection and, for https, completes
// the TLS handshake. It sends no request. The address is checked like that of an attempt. Its error holds of the URL no
// more than the host.
func (c *Client) Probe(ctx context.Context, t Target) error {
	began, timeout := time.Now(), cmp.Or(t.Timeout, c.options.Timeout)
	err := c.reach(ctx, began.Add(timeout), t)
	if err == nil {
		return nil
	}
	var late *overtime
	if time.Since(began) >= timeout {
		late = &overtime{timeout}
	}
	var a Attempt
	c.classify(ctx, late, t, err, &a)
	return errors.New(a.Error)
}

func (c *Client) reach(ctx context.Context, deadline time.Time, t Target) error {
	e, err := c.endpoint(t.URL)
	if err != nil {
		return err
	}
	conn, err := c.connect(ctx, deadline, e)
	if err != nil {
		return err
	}
	_ = conn.Close() // nothing was sent that could be lost
	return nil
}
