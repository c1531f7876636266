package delivery

import (
	"net"
	"net/url"
	"strings"
)

// endpoint is a URL taken apart.
type endpoint struct {
	url *url.URL
	// addr is the host and port to dial, server the host's name as TLS checks it.
	addr, server string
	secure       bool
	// direct says whether the client's own HTTP/1.1 can write the URL as it is, and head is what it writes first then:
	// the request line and Host.
	direct bool
	head   string
}

// endpoint takes a URL apart, once. Its error is an ErrURL.
func (c *Client) endpoint(raw string) (*endpoint, error) {
	if e, ok := c.endpoints.Get(raw); ok {
		return e, nil
	}
	u, err := CheckURL(raw)
	if err != nil {
		return nil, err
	}
	e := newEndpoint(u)
	c.endpoints.Add(raw, e)
	return e, nil
}

// newEndpoint takes a checked URL apart.
func newEndpoint(u *url.URL) *endpoint {
	e := &endpoint{url: u, server: u.Hostname(), secure: u.Scheme == "https"}
	port := u.Port()
	if port == "" {
		port = "80"
		if e.secure {
			port = "443"
		}
	}
	e.addr = net.JoinHostPort(e.server, port)
	uri := u.RequestURI()
	e.direct = probes && plainHost(u.Host) && fits(uri) && !strings.Contains(uri, " ")
	e.head = "POST " + uri + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
	return e
}

// plainHost says whether a host can be dialed and written as it is: it needs no punycode and has no zone.
func plainHost(host string) bool {
	for i := range len(host) {
		switch b := host[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', strings.IndexByte("-._:[]", b) >= 0:
		default:
			return false
		}
	}
	return true
}

// fits says whether a text can stand in a header as it is: it has no control character.
func fits(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return false
		}
	}
	return true
}
