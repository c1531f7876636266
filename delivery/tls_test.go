package delivery_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// newTrusting makes a client that trusts the authority.
func newTrusting(t testing.TB, a *http1test.Authority) *delivery.Client {
	client := newClient(t)
	client.Trust(a.Roots())
	return client
}

// deliver makes an attempt that has to succeed.
func deliver(t *testing.T, client *delivery.Client, url string, id int) {
	t.Helper()
	a := client.Do(t.Context(), delivery.Target{ID: "7", URL: url, Secrets: [][]byte{key}}, delivery.Request{
		Event: "e", ID: strconv.Itoa(id), Data: event, Number: 1,
	})
	if a.Outcome != delivery.Delivered || string(a.Response) != "ok" {
		t.Fatalf("attempt %d: %s, %q, %q", id, a.Outcome, a.Error, a.Response)
	}
}

// An endpoint that chooses HTTP/1.1 is learned from net/http's attempt, and then served by one connection of our own.
func TestTLSGoesDirectlyOnceHTTP1WasChosen(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := http1test.NewAuthority(t)
			var conns, requests atomic.Int32
			addr := http1test.Listen(t, http1test.Secured(&tls.Config{
				Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: []string{"http/1.1"}, MinVersion: version, MaxVersion: version,
			}, func(c *tls.Conn) {
				conns.Add(1)
				for r := bufio.NewReader(c); http1test.ReadRequest(r) > 0; {
					requests.Add(1)
					if _, err := io.WriteString(c, http1test.Accepting); err != nil {
						return
					}
				}
			}))
			client := newTrusting(t, ca)
			for i := range 10 {
				deliver(t, client, "https://"+addr+"/", i)
			}
			if conns.Load() != 2 || requests.Load() != 10 {
				t.Errorf("%d connections and %d requests, want one by each way, and 10", conns.Load(), requests.Load())
			}
		})
	}
}

// A certificate is judged by the clock that all nodes share, not by that of a machine which may be hours off.
func TestCertificatesAreJudgedByTheSharedClock(t *testing.T) {
	t.Parallel()
	ca := http1test.NewAuthority(t)
	later := ca.Issue(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(20*time.Minute), time.Now().Add(40*time.Minute)
	})
	addr := http1test.Listen(t, http1test.Secured(&tls.Config{Certificates: []tls.Certificate{later}, NextProtos: []string{"http/1.1"}}, func(c *tls.Conn) {
		for r := bufio.NewReader(c); http1test.ReadRequest(r) > 0; {
			if _, err := io.WriteString(c, http1test.Accepting); err != nil {
				return
			}
		}
	}))
	client := delivery.NewClient(delivery.Options{
		Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test",
		AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: func() time.Time { return time.Now().Add(30 * time.Minute) },
	})
	t.Cleanup(client.Close)
	client.Trust(ca.Roots())
	deliver(t, client, "https://"+addr+"/", 1)
	deliver(t, client, "https://"+addr+"/", 2) // by a connection of our own
	a := newTrusting(t, ca).Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr + "/", Secrets: [][]byte{key}}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
	if a.Outcome != delivery.TLS {
		t.Errorf("before its time: %s, %q", a.Outcome, a.Error)
	}
}

// What is wrong with a certificate is found by both ways, and said of TLS.
func TestTLSRefusesCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := http1test.NewAuthority(t), http1test.NewAuthority(t)
	for name, c := range map[string]struct {
		config *tls.Config
		says   string
	}{
		"untrusted": {&tls.Config{Certificates: []tls.Certificate{stranger.Issue(t, nil)}}, "the certificate's chain leads to no authority that is trusted"},
		"expired": {&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		})}}, "the certificate has expired"},
		"too early": {&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Minute)
		})}}, "the certificate is not valid yet"},
		"negative serial": {&tls.Config{Certificates: []tls.Certificate{negative(t, ca.Issue(t, nil))}}, "the certificate's serial number is negative"},
		"wrong name": {&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, func(c *x509.Certificate) {
			c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)}
		})}}, "the certificate is for another name"},
		"no certificate": {&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, io.EOF }}, "the TLS handshake failed: tls: internal error"},
		"old version":    {&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, MaxVersion: tls.VersionTLS11}, "speaks no version of TLS from 1.2 on"},
	} {
		for _, direct := range []bool{true, false} {
			t.Run(name+"/direct "+strconv.FormatBool(direct), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int32
				addr := http1test.Listen(t, http1test.Secured(c.config, func(c *tls.Conn) {
					if http1test.ReadRequest(bufio.NewReader(c)) > 0 {
						requests.Add(1)
					}
				}))
				client := newTrusting(t, ca)
				if direct {
					client.Speaks(addr)
				}
				a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr + "/secret"}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
				if a.Outcome != delivery.TLS || a.Error != addr+": "+c.says || requests.Load() != 0 {
					t.Errorf("got %s, %q, %d requests", a.Outcome, a.Error, requests.Load())
				}
			})
		}
	}
	t.Run("closes", func(t *testing.T) {
		t.Parallel()
		client, addr := newTrusting(t, ca), http1test.Listen(t, func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1<<10)) }) // the end says all
		a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
		if a.Outcome != delivery.TLS || a.Error != addr+": the connection was closed during the TLS handshake" {
			t.Errorf("got %s, %q", a.Outcome, a.Error)
		}
	})
	t.Run("plain HTTP", func(t *testing.T) {
		t.Parallel()
		addr := http1test.Listen(t, func(c *net.TCPConn) {
			_, _ = c.Read(make([]byte, 1)) // the end says all
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_, _ = io.Copy(io.Discard, c) // until the client has closed
		})
		client := newTrusting(t, ca)
		for range 2 {
			a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
			if a.Outcome != delivery.TLS || a.Error != addr+": does not speak TLS" {
				t.Errorf("got %s, %q", a.Outcome, a.Error)
			}
			client.Speaks(addr)
		}
	})
}

// An endpoint may take up HTTP/2, drop HTTP/1.1, and go back; no attempt fails for it.
func TestTLSChangesProtocols(t *testing.T) {
	t.Parallel()
	ca := http1test.NewAuthority(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	client, id := newTrusting(t, ca), 0
	for _, step := range []struct {
		protocols []string
		want      string
	}{
		{[]string{"h2", "http/1.1"}, "HTTP/2.0"},
		{[]string{"http/1.1"}, "HTTP/1.1"},
		{[]string{"h2", "http/1.1"}, "HTTP/1.1"}, // learned, and what it speaks still
		{[]string{"h2"}, "HTTP/2.0"},
		{[]string{"h2", "http/1.1"}, "HTTP/2.0"}, // forgotten
		{[]string{"http/1.1"}, "HTTP/1.1"},
		{[]string{"h2", "http/1.1"}, "HTTP/1.1"},
	} {
		var got atomic.Value
		server := &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(body, event) || r.Header.Get("Webhook-Signature") == "" || r.Host != addr {
					t.Errorf("%d bytes and %v of %s came, %v", len(body), r.Header, r.Host, err)
				}
				got.Store(r.Proto)
				_, _ = io.WriteString(w, "ok") // the client says what came
			}),
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: step.protocols},
			Protocols: &http.Protocols{},
		}
		server.Protocols.SetHTTP1(strings.Contains(strings.Join(step.protocols, " "), "http/1.1"))
		server.Protocols.SetHTTP2(step.protocols[0] == "h2")
		if l == nil {
			if l, err = net.Listen("tcp", addr); err != nil {
				t.Fatal(err)
			}
		}
		served := make(chan error, 1)
		go func() { served <- server.ServeTLS(l, "", "") }()
		for range 3 {
			id++
			deliver(t, client, "https://"+addr+"/", id)
			if got.Load() != step.want {
				t.Errorf("%v: attempt %d came by %v, want %s", step.protocols, id, got.Load(), step.want)
			}
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
		client.LetGo()
		l = nil
	}
}

// negative is a certificate whose serial number, 2, was made -2.
func negative(t *testing.T, c tls.Certificate) tls.Certificate {
	t.Helper()
	before, after := []byte{0xa0, 3, 2, 1, 2, 2, 1, 2}, []byte{0xa0, 3, 2, 1, 2, 2, 1, 0xfe} // version 3, and the serial number
	if bytes.Count(c.Certificate[0], before) != 1 {
		t.Fatal("the serial number was not found")
	}
	c.Certificate = [][]byte{bytes.Replace(c.Certificate[0], before, after, 1)}
	return c
}

// An answer that comes before the request was read counts over TLS as well, whatever its endpoint does then.
func TestEarlyAnswersOverTLS(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(*tls.Conn){
		"closes":        func(*tls.Conn) {},
		"says farewell": func(c *tls.Conn) { _ = c.CloseWrite(); _, _ = io.Copy(io.Discard, c.NetConn()) },
		"reads on":      func(c *tls.Conn) { _, _ = io.Copy(io.Discard, c) },
	} {
		for way, data := range map[string][]byte{"small": bytes.Repeat([]byte("1"), 30_000), "large": bytes.Repeat([]byte("1"), 1<<20)} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				ca := http1test.NewAuthority(t)
				addr := http1test.Listen(t, http1test.Secured(&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: []string{"http/1.1"}}, func(c *tls.Conn) {
					r := bufio.NewReaderSize(c, 16)
					for line, err := r.ReadSlice('\n'); err == bufio.ErrBufferFull || err == nil && len(line) > 2; {
						line, err = r.ReadSlice('\n')
					}
					_, _ = io.WriteString(c, "HTTP/1.1 429 x\r\nRetry-After: 7\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") // the end says all
					then(c)
				}))
				client := newTrusting(t, ca)
				client.Speaks(addr)
				a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr + "/"}, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
				if a.Outcome != delivery.Unavailable || a.Status != http.StatusTooManyRequests || a.RetryAfter != 7*time.Second {
					t.Errorf("got %s, %d, %q", a.Outcome, a.Status, a.Error)
				}
			})
		}
	}
}
