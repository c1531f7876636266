package chaos

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// silent takes what the endpoints' servers say of broken connections.
var silent = log.New(io.Discard, "", 0)

// tlsFiles are a certificate that the workers trust, for which bundle is their SSL_CERT_FILE, and one that they do not.
type tlsFiles struct {
	bundle         string
	good, stranger tls.Certificate
}

func newTLS(dir string) (*tlsFiles, error) {
	f := &tlsFiles{bundle: filepath.Join(dir, "trusted.pem")}
	var err error
	if f.stranger, err = selfSigned(); err != nil {
		return nil, err
	}
	if f.good, err = selfSigned(); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.good.Certificate[0]})
	return f, os.WriteFile(f.bundle, text, 0o600)
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "chaos " + serial.String()}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
