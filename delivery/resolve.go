package delivery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	// lookupTime bounds the look-up of a name, beside the time for dialing. The resolver asks a name server again, and the next
	// one, after five seconds.
	lookupTime = 11 * time.Second
	// lookupAgain is how long an answer may take until the name is asked for again meanwhile: one may have been lost.
	lookupAgain = time.Second
	// lookupDelay is how long the addresses of one family wait for those of the other, dialDelay how long a dial has until the
	// next address is dialed meanwhile (RFC 8305, section 8).
	lookupDelay = 50 * time.Millisecond
	dialDelay   = 250 * time.Millisecond
)

// dialer resolves names and dials addresses. It is safe for concurrent use.
type dialer struct {
	net     net.Dialer
	own     ownPlaces
	connect time.Duration
	// resolvers are those that a look-up asks, one after the other: each asks for itself.
	resolvers []*net.Resolver
}

// newDialer makes a dialer that dials public addresses and these networks, but nothing of our own, each for no longer than connect.
func newDialer(allow []netip.Prefix, own ownPlaces, connect time.Duration) *dialer {
	d := &dialer{net: net.Dialer{KeepAlive: 30 * time.Second, Control: guard(allow, own)}, own: own, connect: connect}
	system := net.DefaultResolver
	ask := system.Dial
	if ask == nil {
		ask = (&net.Dialer{}).DialContext
	}
	for range 2 {
		d.resolvers = append(d.resolvers, &net.Resolver{PreferGo: system.PreferGo, StrictErrors: system.StrictErrors, Dial: leaving(ask)})
	}
	return d
}

// leaving dials such that a connection to a name server is closed when nobody waits for its answer any more. The resolver by
// itself waits on.
func leaving(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = c.Close() }) // nobody waits
		}
		return c, err
	}
}

// dial makes a connection to a host and port. The look-up of the host's name takes lookupTime at most, and dialing its
// addresses d.connect.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if err := d.own.refuseName(host, port); err != nil {
		return nil, err
	}
	addrs := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, ip)
	} else if addrs, err = d.lookup(ctx, host); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	if len(addrs) == 1 {
		return d.net.DialContext(ctx, network, net.JoinHostPort(addrs[0].String(), port))
	}
	return d.race(ctx, network, addrs, port)
}

// dialed is what came of dialing one address.
type dialed struct {
	conn net.Conn
	err  error
}

// race dials addresses in turn, each when the one before has failed or takes long, and returns the first connection.
func (d *dialer) race(ctx context.Context, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialed, len(addrs))
	var failed []error
	timer := time.NewTimer(0)
	defer timer.Stop()
	for begun := 0; len(failed) < len(addrs); {
		select {
		case <-timer.C:
			if begun == len(addrs) {
				continue
			}
			address := net.JoinHostPort(addrs[begun].String(), port)
			begun++
			go func() {
				conn, err := d.net.DialContext(ctx, network, address)
				results <- dialed{conn, err}
			}()
			timer.Reset(dialDelay)
		case r := <-results:
			if r.err != nil {
				failed = append(failed, r.err)
				timer.Reset(0)
				continue
			}
			cancel()
			for range begun - len(failed) - 1 {
				if late := <-results; late.err == nil {
					_ = late.conn.Close() // nothing was sent
				}
			}
			return r.conn, nil
		}
	}
	return nil, worst(failed)
}

// worst is the error that says most of a host of which no address could be dialed: one that was dialed and did not answer says
// more than one to which there is no way, and one that is not dialed says least.
func worst(errs []error) error {
	return slices.MinFunc(errs, func(a, b error) int { return little(a) - little(b) })
}

// little is how little an error says.
func little(err error) int {
	switch {
	case errors.Is(err, ErrForbidden):
		return 2
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return 1
	}
	return 0
}

// answer is what came of a question for a name's addresses.
type answer struct {
	network string
	addrs   []netip.Addr
	err     error
}

// lookup returns the addresses of a name, in the order in which they are to be dialed: at least one, or an error, which is a
// *net.DNSError. It asks for both families at once, and does not wait for one if the other is there.
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	answers := make(chan answer, 2)
	for _, network := range []string{"ip6", "ip4"} {
		go func() { answers <- d.ask(ctx, network, host) }()
	}
	found := map[string][]netip.Addr{}
	var late <-chan time.Time
	var failed error
	for waiting := 2; waiting > 0; waiting-- {
		select {
		case a := <-answers:
			if a.err != nil && (failed == nil || notFound(failed)) {
				failed = a.err
			}
			if found[a.network] = a.addrs; len(a.addrs) > 0 {
				late = time.After(lookupDelay)
			}
		case <-late:
		}
	}
	six, four := found["ip6"], found["ip4"]
	if len(six)+len(four) == 0 {
		return nil, failed
	}
	addrs := make([]netip.Addr, 0, len(six)+len(four))
	for len(six)+len(four) > 0 {
		if len(six) > 0 {
			addrs, six = append(addrs, six[0]), six[1:]
		}
		if len(four) > 0 {
			addrs, four = append(addrs, four[0]), four[1:]
		}
	}
	return addrs, nil
}

// ask asks for a name's addresses of a family. It asks again, and by another way, if the answer takes long.
func (d *dialer) ask(ctx context.Context, network, host string) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(d.resolvers))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for asked, open := 0, 0; ; {
		select {
		case <-timer.C:
			if asked == len(d.resolvers) {
				continue
			}
			by := d.resolvers[asked]
			asked++
			open++
			go func() {
				addrs, err := by.LookupNetIP(ctx, network, host)
				answers <- answer{network, addrs, err}
			}()
			timer.Reset(lookupAgain)
		case a := <-answers:
			if open--; a.err == nil || notFound(a.err) || open == 0 {
				return a
			}
		}
	}
}

// notFound says whether a name server said that there is no such name, or nothing under it.
func notFound(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}
