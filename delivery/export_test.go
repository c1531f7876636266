package delivery

import (
	"crypto/x509"
)

// Speaks makes the client take a host for one that speaks TLS and HTTP/1.1, as it learns by an attempt.
func (c *Client) Speaks(addr string) {
	if e, err := c.endpoint("https://" + addr); err == nil {
		c.http1.Learn(e.http1)
	}
}

// Trust makes a client that was not used yet trust these authorities instead of the system's, by both ways.
func (c *Client) Trust(roots *x509.CertPool) {
	c.tls.RootCAs = roots
}

// LetGo closes the idle connections of net/http, which notices only after a while that an endpoint has closed one.
func (c *Client) LetGo() { c.relay.lines.letGo() }
