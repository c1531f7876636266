//go:build linux

package delivery_test

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// Elsewhere the loopback has no second address.

// allowed is an address that may be dialed in these tests, forbidden one that may not.
var allowed, forbidden = [4]byte{127, 0, 0, 1}, [4]byte{127, 0, 0, 2}

// guarded makes a client that may dial only the networks, and says how it makes an attempt.
func guarded(t *testing.T, networks ...string) (*delivery.Client, func(url string, data []byte) delivery.Attempt) {
	o := delivery.Options{Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test"}
	for _, n := range networks {
		o.AllowCIDRs = append(o.AllowCIDRs, netip.MustParsePrefix(n))
	}
	client := delivery.NewClient(o)
	t.Cleanup(client.Close)
	return client, func(url string, data []byte) delivery.Attempt {
		return client.Do(t.Context(), delivery.Target{ID: "7", URL: url}, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
	}
}

// Two receivers at one port, at an address that is allowed and at one that is not: whatever a name resolves to, and
// anew at each dial, the second sees no connection.
func TestForbiddenAddressesAreNotDialed(t *testing.T) {
	t.Parallel()
	for way, data := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			addr := http1test.Listen(t, func(c *net.TCPConn) {
				if http1test.ReadRequest(bufio.NewReader(c)) > 0 {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok") // the client says what came
				}
			})
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			trap, err := net.Listen("tcp", "127.0.0.2:"+port)
			if err != nil {
				t.Fatal(err)
			}
			var caught atomic.Int32
			done := make(chan struct{})
			go func() {
				defer close(done)
				for c, err := trap.Accept(); err == nil; c, err = trap.Accept() {
					caught.Add(1)
					_ = c.Close() // it should not be there
				}
			}()
			t.Cleanup(func() { _ = trap.Close(); <-done })
			name := strings.ReplaceAll(way, "/", "-") + ".rebinding.test"
			host := name + ":" + port
			client, attempt := guarded(t, "127.0.0.1/32")
			for i, step := range []struct {
				addrs   [][4]byte
				outcome delivery.Outcome
				says    string
			}{
				{[][4]byte{allowed}, delivery.Delivered, ""},
				{[][4]byte{forbidden}, delivery.Forbidden, host + ": the address is not allowed"},
				{[][4]byte{allowed}, delivery.Delivered, ""},
				{[][4]byte{forbidden, allowed}, delivery.Delivered, ""},
				{[][4]byte{forbidden, {10, 0, 0, 1}, {169, 254, 169, 254}}, delivery.Forbidden, host + ": the address is not allowed"},
			} {
				resolver.set(name, step.addrs...)
				if a := attempt("http://"+host+"/", data); a.Outcome != step.outcome || a.Error != step.says {
					t.Errorf("step %d: got %s, %q", i, a.Outcome, a.Error)
				}
			}
			client.Speaks(host) // by both ways over TLS as well
			for _, url := range []string{
				"https://" + host + "/", "http://127.0.0.2:" + port, "https://127.0.0.2:" + port, "http://[::ffff:127.0.0.2]:" + port,
				"http://0.0.0.0:" + port, "http://[::]:" + port, "http://[::1]:" + port,
			} {
				if a := attempt(url, data); a.Outcome != delivery.Forbidden {
					t.Errorf("%s: got %s, %q", url, a.Outcome, a.Error)
				}
			}
			if n := caught.Load(); n != 0 {
				t.Errorf("the forbidden address was dialed %d times", n)
			}
			if a := attempt("http://unknown.test:"+port, data); a.Outcome != delivery.DNS || a.Error != "unknown.test:"+port+": there is no such name" {
				t.Errorf("an unknown name: %s, %q", a.Outcome, a.Error)
			}
		})
	}
}

// Where clouds hand out credentials is dialed never.
func TestMetadataIsNotDialed(t *testing.T) {
	t.Parallel()
	_, attempt := guarded(t, "0.0.0.0/0", "::/0")
	for way, data := range ways {
		for _, host := range []string{"169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200"} {
			if a := attempt("http://"+host+"/latest/meta-data/", data); a.Outcome != delivery.Forbidden || a.Error != host+": the address is not allowed" {
				t.Errorf("%s by %s: %s, %q", host, way, a.Outcome, a.Error)
			}
		}
	}
}
