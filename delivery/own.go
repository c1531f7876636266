package delivery

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ownPlaces are where Saumer itself is reached, host:port each. A delivery to one of them would come back as an event, and go
// out again.
type ownPlaces []string

// refuse says that an address is one at which this process listens: ErrForbidden, or nil. A listener on all addresses is
// reached at each of this machine.
func (o ownPlaces) refuse(to netip.AddrPort) error {
	ip := to.Addr().Unmap().WithZone("")
	for _, place := range o {
		own, err := netip.ParseAddrPort(place)
		if err != nil || own.Port() != to.Port() {
			continue
		}
		at := own.Addr().Unmap().WithZone("")
		if at == ip || ip.IsUnspecified() || at.IsUnspecified() && ofThisMachine(ip) {
			return fmt.Errorf("%w: %s is Saumer's own", ErrForbidden, to)
		}
	}
	return nil
}

// refuseName is refuse for a host that is a name. A public URL is reached at the ports of both http and https.
func (o ownPlaces) refuseName(host, port string) error {
	for _, place := range o {
		ownHost, ownPort, err := net.SplitHostPort(place)
		if err != nil || !strings.EqualFold(strings.TrimSuffix(ownHost, "."), strings.TrimSuffix(host, ".")) {
			continue
		}
		if web := []string{"80", "443"}; ownPort == port || slices.Contains(web, ownPort) && slices.Contains(web, port) {
			return fmt.Errorf("%w: %s is Saumer's own", ErrForbidden, net.JoinHostPort(host, port))
		}
	}
	return nil
}

// check is refuse for the addresses that a host has, and refuseName for the host.
func (o ownPlaces) check(host, port string, ips ...netip.Addr) error {
	if err := o.refuseName(host, port); err != nil {
		return err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil // no URL has such a port
	}
	for _, ip := range ips {
		if err := o.refuse(netip.AddrPortFrom(ip, uint16(number))); err != nil {
			return err
		}
	}
	return nil
}

// ofThisMachine says whether an address is one of this machine's.
func ofThisMachine(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // rather none too many is dialed
	}
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap().WithZone("") == ip
	})
}
