package http1

import (
	"net"
	"net/url"
	"strings"
)

// Endpoint is a URL taken apart, for requests to it. It is never changed, and is worth keeping.
type Endpoint struct {
	// addr is the host and port to dial, server the host's name as TLS checks it.
	addr, server string
	secure       bool
	// writable says whether the URL can be written as it is, and head is what is written first then: the request line and
	// Host.
	writable bool
	head     string
}

// NewEndpoint takes an absolute http or https URL apart. Post takes no request to one that it cannot write as it is.
func NewEndpoint(u *url.URL) *Endpoint {
	e := &Endpoint{server: u.Hostname(), secure: u.Scheme == "https"}
	port := u.Port()
	if port == "" {
		port = "80"
		if e.secure {
			port = "443"
		}
	}
	e.addr = net.JoinHostPort(e.server, port)
	uri := u.RequestURI()
	e.writable = canLook && plainHost(u.Host) && fits(uri) && !strings.ContainsAny(uri, " \t")
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

// writable says whether a header can be written as it is.
func writable(header []Field) bool {
	for i := range header {
		if !fits(header[i].Name) || !fits(header[i].Value) {
			return false
		}
	}
	return true
}

// fits says whether a text can stand in a header as it is: it has no control character but tabs.
func fits(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
