package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"
)

// NATSLogin is how a command logs in to an external NATS, besides what its URL says.
type NATSLogin struct {
	NATSCreds string `name:"nats-creds" help:"File with the credentials for the NATS of --nats-url: a JWT and its nkey." placeholder:"FILE" env:"SAUMER_NATS_CREDS" group:"External NATS and Redis"`
	NATSNKey  string `name:"nats-nkey" help:"File with the seed of the nkey for that NATS." placeholder:"FILE" env:"SAUMER_NATS_NKEY" group:"External NATS and Redis"`
	NATSCA    string `name:"nats-ca" help:"File with the certificates, PEM, that the certificate of that NATS is checked against; it is then spoken to with TLS only. Default: empty, the system's." placeholder:"FILE" env:"SAUMER_NATS_CA" group:"External NATS and Redis"`
	NATSCert  string `name:"nats-cert" help:"File with a certificate, PEM, that is shown to that NATS; with --nats-key. It is read anew for each connection." placeholder:"FILE" env:"SAUMER_NATS_CERT" group:"External NATS and Redis"`
	NATSKey   string `name:"nats-key" help:"File with the key of --nats-cert, PEM." placeholder:"FILE" env:"SAUMER_NATS_KEY" group:"External NATS and Redis"`
}

// none says whether nothing is set.
func (n NATSLogin) none() bool { return n == NATSLogin{} }

// Options checks the files and makes options of a connection of them. Its error has a line for each that is wrong.
func (n NATSLogin) Options() ([]nats.Option, error) {
	var options []nats.Option
	var c check
	c.that(n.NATSCreds == "" || n.NATSNKey == "", "--nats-creds and --nats-nkey are two ways to log in: give one of them")
	c.that((n.NATSCert == "") == (n.NATSKey == ""), "--nats-cert and --nats-key need each other: give both, in PEM")
	if n.NATSCreds != "" {
		// Whether there is a JWT in it is seen when NATS asks for it.
		c.readable("--nats-creds", n.NATSCreds)
		options = append(options, nats.UserCredentials(n.NATSCreds))
	}
	if n.NATSNKey != "" {
		option, err := nats.NkeyOptionFromSeed(n.NATSNKey)
		c.that(err == nil, "--nats-nkey %s has no seed of an nkey: %v", n.NATSNKey, err)
		options = append(options, option)
	}
	if n.NATSCA != "" {
		_, err := authorities(n.NATSCA)
		c.that(err == nil, "--nats-ca %v", err)
		options = append(options, nats.RootCAs(n.NATSCA))
	}
	if n.NATSCert != "" && n.NATSKey != "" {
		c.pair("--nats-cert", n.NATSCert, "--nats-key", n.NATSKey)
		options = append(options, nats.ClientCert(n.NATSCert, n.NATSKey))
	}
	return options, errors.Join(c.wrong...)
}

// readable makes sure that a file can be read.
func (c *check) readable(flag, path string) {
	_, err := os.ReadFile(path)
	c.that(err == nil, "%s cannot be read: %v", flag, err)
}

// pair makes sure that two files hold a certificate and its key.
func (c *check) pair(certFlag, cert, keyFlag, key string) {
	_, err := tls.LoadX509KeyPair(cert, key)
	c.that(err == nil, "%s and %s are no certificate with its key in PEM: %v", certFlag, keyFlag, err)
}

// authorities reads certificates that others are checked against.
func authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", path)
	}
	return pool, nil
}
