package delivery_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

// inside are addresses that no webhook leads to, by what they are.
var inside = map[string]string{
	"loopback": "127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 ::1",
	"private":  "10.0.0.1 10.255.255.254 172.16.0.1 172.31.255.254 192.168.0.1 192.168.255.254 fc00::1 fd00::1 fdff:ffff::1 fec0::1 feff::1",
	"link":     "169.254.0.1 169.254.169.254 169.254.170.2 169.254.170.23 169.254.255.254 fe80::1 febf::1 fe80::a9fe:a9fe",
	"clouds":   "100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254 fd00:ec2::23 fd20:ce::254",
	"shared":   "0.0.0.0 0.1.2.3 100.64.0.1 100.127.255.254 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1",
	"others":   "224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ff02::1 ff0e::1 ::",
	"mapped":   "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:0 ::ffff:192.168.1.1 ::ffff:100.64.0.1 ::ffff:0.0.0.0",
	"compat":   "::127.0.0.1 ::10.0.0.1 ::8.8.8.8 ::1.1.1.1 ::2",
	"nat64":    "64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b::c0a8:101 64:ff9b::6440:1 64:ff9b::0 64:ff9b:1::1 64:ff9b:1::808:808 64:ff9b:1:ffff::a00:1",
	"6to4":     "2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe:: 2002:c0a8:101::1 2002:6440:1:: 2002:0::1 2002:e000:1::",
	"teredo":   "2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:7f00:1::1 2001:0:a00:1::",
	"isatap":   "2606:4700::5efe:7f00:1 2606:4700::5efe:a00:1 2606:4700::200:5efe:a9fe:a9fe 2606:4700::5efe:c0a8:101",
	"special6": "100::1 100:0:0:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff::1 2001:db8::1 2001:db8:ffff::1 3fff::1 3fff:fff::1 5f00::1",
	"unassigned6": "1::1 1:2:3:4:5:6:7:8 10::1 200::1 400::1 800::1 1000::1 1fff::1 4000::1 5000::1 5f01::1 6000::1 7000::1 8000::1 9000::1 a000::1 b000::1 c000::1 " +
		"d000::1 e000::1 f000::1 f800::1 fa00::1 fe00::1 fe40::1 ::1:0:0 0:0:0:1::1 ::ffff:0:7f00:1 ::ffff:0:808:808 ::ffff:1:808:808 64:ff9a::1 64:ff9c::808:808",
}

// odd are URLs that are read in more than one way, or lead to this machine by a name or a spelling.
var odd = strings.Fields(`
	http://localhost/ http://LOCALHOST/ http://localhost./ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/ http://0x7f.0.0.1/
	http://0177.0.0.1/ http://017700000001/ http://127.0.0.1./ http://127.000.000.001/ http://0/ http://0.0.0.0:80/ http://[::]/ http://[::1]/
	http://[::ffff:127.0.0.1]/ http://[0:0:0:0:0:0:0:1]/ http://[::ffff:7f00:1]/ http://[fe80::1%25lo]/ http://[::1%25lo]/ http://[fe80::1%25eth0]/
	http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://127｡0｡0｡1/ http://localhost%00.example.org/ http://localhost%2f@example.org/ http://example.org@127.0.0.1/
	http://127.0.0.1@example.org/ http://user:pass@localhost/ http://localhost:0/ http://localhost:65536/ http://localhost:/ http://localhost:80:80/
	http:///path http://:80/ http:127.0.0.1/ http:/127.0.0.1/ //127.0.0.1/ 127.0.0.1/ localhost http://127.0.0.1#@example.org/ http://127.0.0.1/#x
	file:///etc/passwd ftp://127.0.0.1/ gopher://127.0.0.1/ dict://127.0.0.1:11211/ unix:///run/docker.sock ldap://127.0.0.1/ javascript:alert(1) data:,x
	http://[127.0.0.1]/ http://[::1 http://::1/ http://[]/ http://[::g]/ http://\127.0.0.1/ http://127.0.0.1\@example.org/ http://%31%32%37.0.0.1/
	http://metadata.google.internal.localhost/ http://x.localhost/ http://256.256.256.256/ http://1.2.3/ http://1.2.3.4.5/ http://-/ http://_/
`)

// No address inside is dialed, in whatever spelling: two hundred and more of them, and a listener that hears nothing.
func TestNothingInsideIsReached(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reached := make(chan string, 1000)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				close(reached)
				return
			}
			reached <- c.LocalAddr().String()
			_ = c.Close() // it should not be there
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := delivery.NewClient(delivery.Options{Timeout: 5 * time.Second, ConnectTimeout: 2 * time.Second, Version: "test"})
	defer client.Close()
	tried := 0
	attempt := func(raw string) {
		tried++
		u, err := delivery.CheckURL(raw)
		if err != nil {
			return // no webhook has it
		}
		a := client.Do(t.Context(), delivery.Target{ID: "7", URL: raw}, delivery.Request{Event: "e", ID: "1", Data: []byte("{}"), Number: 1})
		if a.Outcome != delivery.Forbidden && a.Outcome != delivery.DNS {
			t.Errorf("an attempt at %s: %s %s", raw, a.Outcome, a.Error)
		}
		if err := client.CheckAddress(t.Context(), u); a.Outcome == delivery.Forbidden && !errors.Is(err, delivery.ErrForbidden) {
			t.Errorf("a new webhook to %s: %v", raw, err)
		}
	}
	for kind, list := range inside {
		for _, text := range strings.Fields(list) {
			ip, err := netip.ParseAddr(text)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			attempt("http://" + net.JoinHostPort(text, port) + "/")
			if ip.Is4() {
				attempt("http://" + net.JoinHostPort("::ffff:"+text, port) + "/")
			}
		}
	}
	for _, raw := range odd {
		attempt(raw)
		attempt(strings.Replace(raw, "/", ":"+port+"/", 3))
	}
	if tried < 200 {
		t.Errorf("%d were tried, want 200 at least", tried)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for at := range reached {
		t.Errorf("%s was reached", at)
	}
}

// What is public may be dialed: that is judged without a dial.
func TestPublicAddressesAreAllowed(t *testing.T) {
	t.Parallel()
	client := delivery.NewClient(delivery.Options{Timeout: time.Second, ConnectTimeout: time.Second, Version: "test", Own: []string{"8.8.8.8:8080"}})
	defer client.Close()
	for _, host := range []string{
		"1.1.1.1", "8.8.8.8", "93.184.216.34", "[2606:4700:4700::1111]", "[2a00:1450:4001::1]", "[64:ff9b::808:808]", "[2002:808:808::1]", "[::ffff:8.8.8.8]",
		"[2606:4700::5efe:808:808]", "[2620:4f:8000::1]",
	} {
		u, err := delivery.CheckURL("https://" + host + "/")
		if err != nil {
			t.Fatal(err)
		}
		if err := client.CheckAddress(t.Context(), u); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// Saumer's own addresses are refused, at creation and by an attempt, and what is beside them is not.
func TestNothingOfOurOwnIsDialed(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for own, hosts := range map[string]map[string]bool{
		"127.0.0.1:" + port:        {"127.0.0.1:" + port: true, "localhost:" + port: true, "[::ffff:127.0.0.1]:" + port: true, "127.0.0.1:1": false},
		"[::]:" + port:             {"127.0.0.1:" + port: true, "localhost:" + port: true, "127.0.0.3:" + port: true, "0.0.0.0:" + port: true, "127.0.0.1:1": false},
		"hooks.localhost:443":      {"hooks.localhost": true, "HOOKS.localhost.:443": true, "hooks.localhost:80": true, "hooks.localhost:8443": false},
		"hooks.localhost:" + port:  {"hooks.localhost:" + port: true, "hooks.localhost": false},
		"other.localhost.test:443": {"127.0.0.1:1": false},
	} {
		client := delivery.NewClient(delivery.Options{
			Timeout: 5 * time.Second, ConnectTimeout: 2 * time.Second, Version: "test", Own: []string{own},
			AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		})
		for host, refused := range hosts {
			u, err := delivery.CheckURL("http://" + host + "/x")
			if err != nil {
				t.Fatal(err)
			}
			if err := client.CheckAddress(t.Context(), u); errors.Is(err, delivery.ErrForbidden) != refused {
				t.Errorf("own %s: a webhook to %s: %v, refused is %v", own, host, err, refused)
			}
			a := client.Probe(t.Context(), delivery.Target{ID: "7", URL: u.String()})
			if (a.Outcome == delivery.Forbidden) != refused {
				t.Errorf("own %s: a probe of %s: %s %s, refused is %v", own, host, a.Outcome, a.Error, refused)
			}
		}
		client.Close()
	}
}
