package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// certificateLook is how long a certificate holds before its files are looked at again.
const certificateLook = 5 * time.Second

// certificate is read from two files, and read anew when they have changed. What cannot be read leaves the one before. It is
// safe for concurrent use.
type certificate struct {
	cert, key string
	log       *zap.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	times  [2]time.Time // of the files, when they were read
	looked time.Time
}

// serverTLS is how the process speaks to those who come; nil: without TLS. Its error says what to do.
func serverTLS(o Options) (*tls.Config, error) {
	if o.TLSCert == "" && o.TLSKey == "" {
		return nil, nil
	}
	c := &certificate{cert: o.TLSCert, key: o.TLSKey, log: o.Log.Named("tls")}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("%w; check --tls-cert and --tls-key", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return c.now(time.Now()), nil
	}}, nil
}

// now is the certificate of the moment.
func (c *certificate) now(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < certificateLook {
		return c.pair
	}
	c.looked = now
	if times, err := c.changed(); err != nil || times != c.times {
		if err := c.read(); err != nil {
			c.log.Error("the certificate was not read anew; the one before is kept", zap.Error(err))
		} else {
			c.log.Info("the certificate was read anew")
		}
	}
	return c.pair
}

// read reads the files. The lock is held, or nobody else has the certificate yet.
func (c *certificate) read() error {
	times, err := c.changed()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read the certificate and its key: %w", err)
	}
	c.pair, c.times = &pair, times
	return nil
}

// changed returns when the files were written last.
func (c *certificate) changed() (times [2]time.Time, err error) {
	cert, err := os.Stat(c.cert)
	key, keyErr := os.Stat(c.key)
	if err := errors.Join(err, keyErr); err != nil {
		return times, fmt.Errorf("look at the certificate and its key: %w", err)
	}
	return [2]time.Time{cert.ModTime(), key.ModTime()}, nil
}
