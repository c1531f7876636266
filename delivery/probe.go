package delivery

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Probe says whether a target's endpoint can be reached: it connects and, for https, does the TLS handshake, and sends
// no request. Reached, the outcome is Delivered; else it is what an attempt would have met. It is not logged. If ctx
// ends first, the outcome is Aborted.
func (c *Client) Probe(ctx context.Context, t Target) Attempt {
	a := Attempt{Number: 1, At: c.options.Now(), Outcome: Delivered}
	began := time.Now()
	timeout := cmp.Or(t.Timeout, c.options.Timeout)
	timed, cancel := context.WithTimeoutCause(ctx, timeout, overtime{timeout})
	defer cancel()
	err := c.reach(timed, t.URL)
	a.Duration = time.Since(began)
	if err != nil {
		c.classify(ctx, timed, t, err, &a)
	}
	return a
}

// reach connects and says goodbye.
func (c *Client) reach(ctx context.Context, raw string) error {
	u, err := c.url(raw)
	if err != nil {
		return err
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	conn, err := c.transport.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // what was to be known is known
	if u.Scheme != "https" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.ConnectTimeout, overtime{c.options.ConnectTimeout})
	defer cancel()
	return tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}).HandshakeContext(ctx)
}
