package delivery_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

// authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, form, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue signs a certificate for the loopback, which the change may change.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	change(form)
	raw, err := x509.CreateCertificate(rand.Reader, form, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: a.key}
}

// newTrusting makes a client that trusts the authority.
func newTrusting(t testing.TB, a *authority) *delivery.Client {
	client := newClient(t)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	client.Trust(roots)
	return client
}

// secured serves a connection by TLS.
func secured(config *tls.Config, serve func(*tls.Conn)) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		over := tls.Server(c, config)
		if over.Handshake() == nil {
			serve(over)
		}
	}
}

func same(*x509.Certificate) {}

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

// deliverAcrossIdles makes five attempts, and after each lets the endpoint do to its idle connection what it is to do.
func deliverAcrossIdles(t *testing.T, client *delivery.Client, addr string, idle, left chan struct{}) {
	t.Helper()
	client.Speaks(addr)
	for i := range 5 {
		deliver(t, client, "https://"+addr+"/", i)
		idle <- struct{}{}
		<-left
	}
}

// An endpoint that chooses HTTP/1.1 is learned from net/http's attempt, and then served by one connection of our own.
func TestTLSGoesDirectlyOnceHTTP1WasChosen(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			var conns, requests atomic.Int32
			addr := listen(t, secured(&tls.Config{
				Certificates: []tls.Certificate{ca.issue(t, same)}, NextProtos: []string{"http/1.1"}, MinVersion: version, MaxVersion: version,
			}, func(c *tls.Conn) {
				conns.Add(1)
				for r := bufio.NewReader(c); readRequest(r) > 0; {
					requests.Add(1)
					if _, err := io.WriteString(c, accepting); err != nil {
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
	ca := newAuthority(t)
	later := ca.issue(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(20*time.Minute), time.Now().Add(40*time.Minute)
	})
	addr := listen(t, secured(&tls.Config{Certificates: []tls.Certificate{later}, NextProtos: []string{"http/1.1"}}, func(c *tls.Conn) {
		for r := bufio.NewReader(c); readRequest(r) > 0; {
			if _, err := io.WriteString(c, accepting); err != nil {
				return
			}
		}
	}))
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	client := delivery.NewClient(delivery.Options{
		Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test",
		AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: func() time.Time { return time.Now().Add(30 * time.Minute) },
	})
	t.Cleanup(client.Close)
	client.Trust(roots)
	deliver(t, client, "https://"+addr+"/", 1)
	deliver(t, client, "https://"+addr+"/", 2) // by a connection of our own
	a := newTrusting(t, ca).Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr + "/", Secrets: [][]byte{key}}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
	if a.Outcome != delivery.TLS {
		t.Errorf("before its time: %s, %q", a.Outcome, a.Error)
	}
}

func TestTLSClosedWhileIdle(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*tls.Conn){
		"farewell":  func(c *tls.Conn) { _ = c.CloseWrite() },
		"closed":    func(c *tls.Conn) { _ = c.NetConn().Close() },
		"spoken to": func(c *tls.Conn) { _, _ = io.WriteString(c, accepting) },
		"garbage":   func(c *tls.Conn) { _, _ = c.NetConn().Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			idle, left := make(chan struct{}), make(chan struct{})
			var requests atomic.Int32
			addr := listen(t, secured(&tls.Config{Certificates: []tls.Certificate{ca.issue(t, same)}, NextProtos: []string{"http/1.1"}}, func(c *tls.Conn) {
				for r := bufio.NewReader(c); readRequest(r) > 0; {
					requests.Add(1)
					_, _ = io.WriteString(c, accepting) // the client says what came
					<-idle
					leave(c)
					left <- struct{}{}
				}
			}))
			deliverAcrossIdles(t, newTrusting(t, ca), addr, idle, left)
			if requests.Load() != 5 {
				t.Errorf("%d requests for 5 attempts", requests.Load())
			}
		})
	}
}

// What is wrong with a certificate is found by both ways, and said of TLS.
func TestTLSRefusesCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		config *tls.Config
		says   string
	}{
		"untrusted": {&tls.Config{Certificates: []tls.Certificate{stranger.issue(t, same)}}, "the certificate is not trusted"},
		"expired": {&tls.Config{Certificates: []tls.Certificate{ca.issue(t, func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		})}}, "the certificate is not trusted"},
		"wrong name": {&tls.Config{Certificates: []tls.Certificate{ca.issue(t, func(c *x509.Certificate) {
			c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)}
		})}}, "the certificate is not trusted"},
		"no certificate": {&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, io.EOF }}, "the TLS handshake failed: tls: internal error"},
		"old version":    {&tls.Config{Certificates: []tls.Certificate{ca.issue(t, same)}, MaxVersion: tls.VersionTLS11}, "the TLS handshake failed: tls: protocol version not supported"},
	} {
		for _, direct := range []bool{true, false} {
			t.Run(name+"/direct "+strconv.FormatBool(direct), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int32
				addr := listen(t, secured(c.config, func(c *tls.Conn) {
					if readRequest(bufio.NewReader(c)) > 0 {
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
	t.Run("plain HTTP", func(t *testing.T) {
		t.Parallel()
		addr := listen(t, func(c *net.TCPConn) {
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
	ca := newAuthority(t)
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
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{ca.issue(t, same)}, NextProtos: step.protocols},
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
