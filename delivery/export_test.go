package delivery

import (
	"crypto/x509"
)

// Speaks makes the client take a host for one that speaks TLS and HTTP/1.1, as it learns by an attempt.
func (c *Client) Speaks(addr string) { c.http1.Add(addr, struct{}{}) }

// Trust makes a client that was not used yet trust these authorities instead of the system's, by both ways.
func (c *Client) Trust(roots *x509.CertPool) {
	c.roots = roots
	c.transport.TLSClientConfig.RootCAs = roots
}

// Direct says whether the next attempt at an address over TLS goes over the client's own connections.
func (c *Client) Direct(addr string) bool { return c.http1.Contains(addr) }

// LetGo closes the idle connections of net/http, which notices only after a while that an endpoint has closed one.
func (c *Client) LetGo() { c.transport.CloseIdleConnections() }
