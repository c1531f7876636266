package delivery

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// Probe says why the host of a target cannot be reached, or nil if it accepts a connection and, for https, completes
// the TLS handshake. It sends no request. The address is checked like that of an attempt. Its error holds of the URL no
// more than the host.
func (c *Client) Probe(ctx context.Context, t Target) error {
	timeout := cmp.Or(t.Timeout, c.options.Timeout)
	timed, cancel := context.WithTimeoutCause(ctx, timeout, overtime{timeout})
	defer cancel()
	if err := c.connect(timed, t); err != nil {
		var a Attempt
		c.classify(ctx, timed, t, err, &a)
		return errors.New(a.Error)
	}
	return nil
}

func (c *Client) connect(ctx context.Context, t Target) error {
	u, err := c.url(t.URL)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	conn, err := c.transport.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing was written that could be lost
	if u.Scheme != "https" {
		return nil
	}
	config := &tls.Config{}
	if c.transport.TLSClientConfig != nil {
		config = c.transport.TLSClientConfig.Clone()
	}
	config.ServerName = cmp.Or(config.ServerName, u.Hostname())
	return tls.Client(conn, config).HandshakeContext(ctx)
}
