//go:build linux

package delivery_test

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// Elsewhere the loopback has no second address.

// mute makes an address and port that answers no dial, neither with a connection nor with a refusal, until the test ends.
func mute(t *testing.T, address [4]byte, port int) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	listening, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	t.Cleanup(func() { _ = syscall.Close(listening) }) // nothing is waiting for its end
	at := &syscall.SockaddrInet4{Addr: address, Port: port}
	must(syscall.Bind(listening, at))
	must(syscall.Listen(listening, 0))
	// What nobody accepts fills its queue; from then on it hears nothing.
	for range 2 {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		must(err)
		t.Cleanup(func() { _ = syscall.Close(fd) }) // as above
		if err := syscall.Connect(fd, at); err != nil && err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
	}
}

// What a name resolves to is dialed, however badly the name servers and some of the addresses do. Look-up and dial share no
// time.
func TestNamesAndAddresses(t *testing.T) {
	t.Parallel()
	one := netip.AddrFrom4(allowed)
	addrs := func(a ...netip.Addr) http1test.Reply { return http1test.Reply{Addrs: a} }
	lost := http1test.Reply{Lost: true}
	// losing loses the first n questions of each type.
	losing := func(n int) func(dnsmessage.Question) http1test.Reply {
		asked := map[dnsmessage.Type]int{}
		return func(q dnsmessage.Question) http1test.Reply {
			if asked[q.Type]++; asked[q.Type] <= n {
				return lost
			}
			return addrs(one)
		}
	}
	silent := [][4]byte{{127, 0, 0, 21}, {127, 0, 0, 22}, {127, 0, 0, 23}}
	for name, c := range map[string]struct {
		reply  func(dnsmessage.Question) http1test.Reply
		within time.Duration
	}{
		"an answer is lost": {losing(1), 3 * time.Second},
		// Both ways of asking wait for it.
		"the first name server is silent": {losing(2), 8 * time.Second},
		"no answer of one family": {func(q dnsmessage.Question) http1test.Reply {
			if q.Type == dnsmessage.TypeAAAA {
				return lost
			}
			return addrs(one)
		}, time.Second},
		"an error of one family": {func(q dnsmessage.Question) http1test.Reply {
			if q.Type == dnsmessage.TypeAAAA {
				return http1test.Reply{Code: dnsmessage.RCodeServerFailure}
			}
			return addrs(one)
		}, time.Second},
		"the first refuses": {func(dnsmessage.Question) http1test.Reply {
			return addrs(netip.AddrFrom4([4]byte{127, 0, 0, 24}), one)
		}, time.Second},
		"the first may not be dialed": {func(dnsmessage.Question) http1test.Reply {
			return addrs(netip.MustParseAddr("fd00::1"), one)
		}, time.Second},
		"the first do not answer": {func(dnsmessage.Question) http1test.Reply {
			return addrs(netip.AddrFrom4(silent[0]), netip.AddrFrom4(silent[1]), netip.AddrFrom4(silent[2]), one)
		}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := http1test.Listen(t, http1test.Accept)
			_, text, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			port, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range silent {
				mute(t, s, port)
			}
			host := strings.ReplaceAll(name, " ", "-") + ".test"
			resolver.answer(host, c.reply)
			client := delivery.NewClient(delivery.Options{
				Timeout: 15 * time.Second, ConnectTimeout: 3 * time.Second, IdleConns: idleConns, Version: "test",
				AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			})
			t.Cleanup(client.Close)
			a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "http://" + host + ":" + text + "/"}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
			if a.Outcome != delivery.Delivered || a.Duration > c.within {
				t.Errorf("%s, %q after %v", a.Outcome, a.Error, a.Duration)
			}
		})
	}
}

// What is said of a host of which no address could be dialed is what says most.
func TestNoAddressAnswers(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	silent := [4]byte{127, 0, 0, 25}
	mute(t, silent, n)
	_, attempt := guarded(t, "127.0.0.0/8")
	for name, c := range map[string]struct {
		addrs   [][4]byte
		outcome delivery.Outcome
		says    string
	}{
		"refused.test": {[][4]byte{{10, 0, 0, 1}, {127, 0, 0, 26}, {10, 0, 0, 2}}, delivery.Refused, "the connection was refused"},
		"silent.test":  {[][4]byte{silent, {10, 0, 0, 1}}, delivery.Timeout, "no connection within 5s"},
		"private.test": {[][4]byte{{10, 0, 0, 1}, {10, 0, 0, 2}}, delivery.Forbidden, "the address is not allowed"},
	} {
		resolver.set(name, c.addrs...)
		if a := attempt("http://"+name+":"+port, event); a.Outcome != c.outcome || a.Error != name+":"+port+": "+c.says {
			t.Errorf("%s: %s, %q", name, a.Outcome, a.Error)
		}
	}
}
