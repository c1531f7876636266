package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// certificateFile and keyFile are where the benchmark's directory has the receiver's certificate, which all parts trust, and its key.
const certificateFile, keyFile = "certificate.pem", "key.pem"

// certify makes a certificate of the receiver, for this run only.
func certify(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "saumer bench"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, certificateFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600),
		os.WriteFile(filepath.Join(dir, keyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}

// Secure is how a receiver listens with TLS: with the certificate and the key in a directory, over HTTP/1.1 or, by net/http, HTTP/2.
type Secure struct {
	Dir   string
	HTTP2 bool
}

// ListenTLS is Listen with TLS, at any port.
func (r *Receiver) ListenTLS(s Secure, at *string) error {
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.Dir, certificateFile), filepath.Join(s.Dir, keyFile))
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	*at = plain.Addr().String()
	r.keep(plain)
	if s.HTTP2 {
		server := &http.Server{Handler: http.HandlerFunc(r.count), TLSConfig: &tls.Config{Certificates: config.Certificates}, ReadHeaderTimeout: timeout}
		go func() { _ = server.ServeTLS(plain, "", "") }() // it ends with its listener
		return nil
	}
	go r.accept(tls.NewListener(plain, config))
	return nil
}

// count counts a request that net/http has read.
func (r *Receiver) count(w http.ResponseWriter, request *http.Request) {
	data, err := io.ReadAll(request.Body)
	if parts := strings.SplitN(request.URL.Path, "/", 3); err == nil && len(parts) == 3 && parts[1] == fast {
		webhook, _ := strconv.Atoi(parts[2]) // 0 for whatever is none
		r.seen.Load().note(webhook, data)
	}
	w.WriteHeader(http.StatusOK)
}

// secure measures T1 over TLS, and over HTTP/2.
func (b *Bench) secure(ctx context.Context) error {
	return errors.Join(
		b.over(ctx, Secure{Dir: b.dir}, "T16", "https", 1.2),
		b.over(ctx, Secure{b.dir, true}, "T17", "HTTP/2", 1),
	)
}

// over measures T1 over one of them, beside the bare loop over the same.
func (b *Bench) over(ctx context.Context, s Secure, name, what string, target float64) error {
	address, err := ask[string](ctx, b.receiver, "ListenTLS", s)
	if err != nil {
		return err
	}
	url, events := "https://"+address+"/"+fast+"/", b.size(100_000)/stretches
	var got, bare Received
	for range stretches {
		loop, _, err := b.baselineAt(ctx, url+"0", events/2, func() error {
			drained, _, err := b.drain(ctx, Load{Accounts: 1, Events: events}, 1, Hooks{Count: 1, Accounts: 1, URL: url, MaxInFlight: connections})
			got = got.and(drained)
			return err
		})
		if err != nil {
			return err
		}
		bare = bare.and(loop)
	}
	b.report.add(Row{Name: name, What: "throughput to one webhook over " + what + ", to that of the bare loop over it", Target: target, Least: true}, got.rate()/bare.rate())
	b.report.add(Row{Name: name, What: "deliveries a second over " + what, Unit: "/s"}, got.rate())
	return nil
}
