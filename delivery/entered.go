package delivery

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// asSent is a webhook's URL as it is dialed and sent: path and query as they were entered, byte for byte, but for bytes that a
// request cannot have or that servers refuse, which are escaped; the host in ASCII, without the scheme's own port. Its error
// is an ErrURL.
func asSent(u *url.URL) (*url.URL, error) {
	host, err := hostname(u)
	if err != nil {
		return nil, err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != defaultPort(u.Scheme) {
		host += ":" + port
	}
	sent := &url.URL{Scheme: u.Scheme, Host: host, ForceQuery: u.ForceQuery}
	sent.RawPath = escape(cmp.Or(u.RawPath, u.EscapedPath()), "/:@%")
	if sent.Path, err = url.PathUnescape(sent.RawPath); err != nil {
		return nil, fmt.Errorf("%w: its path cannot be read", ErrURL)
	}
	// That a % may stand for itself there is for the endpoint to say.
	sent.RawQuery = escape(u.RawQuery, "/:@?%")
	return sent, nil
}

// address is the host and port to dial of a URL as it is sent.
func address(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort(u.Scheme)))
}

// defaultPort is the port of a URL that names none.
func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// hostname is a URL's host in ASCII. There is one mapping, that of look-ups (UTS 46), for all that a host is used for. Its
// error is an ErrURL.
func hostname(u *url.URL) (string, error) {
	host := u.Hostname()
	for i := range len(host) {
		if host[i] < 0x80 {
			continue
		}
		mapped, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", fmt.Errorf("%w: its host is no domain name", ErrURL)
		}
		return mapped, nil
	}
	return host, nil
}

// escape escapes all bytes but those that RFC 3986 lets stand anywhere in a path and a query, and these.
func escape(raw, these string) string {
	const always = "-._~!$&'()*+,;="
	var b strings.Builder
	for i := range len(raw) {
		switch c := raw[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(always, c) >= 0, strings.IndexByte(these, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
