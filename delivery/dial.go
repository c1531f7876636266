package delivery

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// Errors of URLs and addresses.
var (
	// ErrURL is returned for a URL that no webhook can have.
	ErrURL = errors.New("invalid url")
	// ErrForbidden is returned for an address that Saumer does not dial.
	ErrForbidden = errors.New("the address is not allowed")
)

// maxURL is the longest URL of a webhook, in bytes.
const maxURL = 2048

// metadata are the addresses at which clouds hand out credentials. They are never dialed, whatever is allowed.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, Azure, Google and others
	netip.MustParseAddr("169.254.170.2"),   // AWS ECS
	netip.MustParseAddr("169.254.170.23"),  // AWS EKS
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("168.63.129.16"),   // Azure's wire server
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("fe80::a9fe:a9fe"), // OpenStack
}

// special are the networks that are not global unicast though netip takes them for it (IANA special-purpose address
// registries, RFC 6890 and its updates).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),     // Teredo among them
	netip.MustParsePrefix("2001:db8::/32"), // documentation
	netip.MustParsePrefix("3fff::/20"),     // documentation
}

// unicast6 is what of IPv6 is handed out as global unicast (IANA IPv6 address space); nothing else of it is public, but what
// stands for a public IPv4 address.
var unicast6 = netip.MustParsePrefix("2000::/3")

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo  = netip.MustParsePrefix("2002::/16")
	compat = netip.MustParsePrefix("::/96")
)

// permit says why an address is not dialed, or nil: it must be global unicast or in one of the allowed networks, and
// not one where a cloud hands out credentials. An IPv6 address that stands for an IPv4 one is judged by that as well.
// Its error is an ErrForbidden.
func permit(ip netip.Addr, allow []netip.Prefix) error {
	ip = ip.Unmap().WithZone("")
	for _, inner := range append(embedded(ip), ip) {
		for _, m := range metadata {
			if inner == m {
				return fmt.Errorf("%w: %s hands out a cloud's credentials", ErrForbidden, ip)
			}
		}
	}
	for _, p := range allow {
		if p.Contains(ip) {
			return nil
		}
	}
	if !global(ip) {
		return fmt.Errorf("%w: %s is not a public address", ErrForbidden, ip)
	}
	for _, inner := range embedded(ip) {
		if err := permit(inner, allow); err != nil {
			return fmt.Errorf("%w: %s stands for %s", ErrForbidden, ip, inner)
		}
	}
	return nil
}

func global(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !unicast6.Contains(ip) && !nat64.Contains(ip) {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// embedded is the IPv4 address that an IPv6 one stands for.
func embedded(ip netip.Addr) []netip.Addr {
	raw := ip.As16()
	switch {
	case ip.Is4():
		return nil
	case nat64.Contains(ip), compat.Contains(ip):
		return []netip.Addr{netip.AddrFrom4([4]byte(raw[12:]))}
	case sixTo.Contains(ip):
		return []netip.Addr{netip.AddrFrom4([4]byte(raw[2:6]))}
	case raw[8]&^3 == 0 && raw[9] == 0 && raw[10] == 0x5e && raw[11] == 0xfe: // ISATAP (RFC 5214, section 6.1)
		return []netip.Addr{netip.AddrFrom4([4]byte(raw[12:]))}
	}
	return nil
}

// guard makes a dialer's Control, which sees the address that was resolved right before it is dialed.
func guard(allow []netip.Prefix, own ownPlaces) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %q is no address", ErrForbidden, address)
		}
		if err := permit(ap.Addr(), allow); err != nil {
			return err
		}
		return own.refuse(ap)
	}
}

// CheckURL takes a webhook's URL apart and says what is wrong with it: it is absolute, http or https, without user,
// password and fragment, and at most 2,048 bytes long. Its error is an ErrURL.
func CheckURL(raw string) (*url.URL, error) {
	wrong := func(why string) (*url.URL, error) { return nil, fmt.Errorf("%w: %s", ErrURL, why) }
	if len(raw) > maxURL {
		return wrong(fmt.Sprintf("it has %d bytes, at most %d", len(raw), maxURL))
	}
	for _, r := range raw {
		if r <= ' ' || r == 0x7f {
			return wrong("it has a space or a control character")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return wrong("it cannot be read as a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong("it does not begin with http:// or https://")
	case u.Opaque != "" || u.Hostname() == "":
		return wrong("it has no host")
	case strings.Contains(u.Hostname(), "%"):
		return wrong("its host has a zone, which only one machine knows")
	case u.User != nil:
		return wrong("it holds a user or a password")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return wrong("it has a fragment (#)")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return wrong("its port is not a number from 1 to 65535")
		}
	}
	if _, err := asSent(u); err != nil {
		return nil, err
	}
	return u, nil
}
