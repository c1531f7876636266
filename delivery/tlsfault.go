package delivery

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/saumer/saumer/http1"
)

// alertProtocolVersion is the alert of an endpoint that speaks none of our versions (RFC 8446, section 6.2).
const alertProtocolVersion = tls.AlertError(70)

// tlsFault says in words why a TLS handshake failed. Now is the time by which certificates were judged.
func tlsFault(err error, now time.Time) string {
	if fault := certificateFault(err, now); fault != "" {
		return fault
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "does not speak TLS"
	}
	op, isOp := errors.AsType[*net.OpError](err)
	switch text := err.Error(); {
	case http1.Alerted(err, alertProtocolVersion), strings.Contains(text, "unsupported protocol version"):
		return "speaks no version of TLS from 1.2 on"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was closed during the TLS handshake"
	case isOp && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls names alerts so
		return fmt.Sprintf("the TLS handshake failed: %v", op.Err)
	}
	return "the TLS handshake failed"
}

// certificateFault says in words what is wrong with a certificate; empty if nothing is.
func certificateFault(err error, now time.Time) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for another name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate's chain leads to no authority that is trusted"
	}
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	switch text := err.Error(); {
	case isInvalid && invalid.Reason == x509.Expired && invalid.Cert != nil && now.Before(invalid.Cert.NotBefore):
		return "the certificate is not valid yet"
	case isInvalid && invalid.Reason == x509.Expired:
		return "the certificate has expired"
	case isInvalid, unverified:
		return "the certificate is not trusted"
	case strings.Contains(text, "negative serial number"): // the text of crypto/x509, which has no name for it
		return "the certificate's serial number is negative"
	case strings.Contains(text, "failed to parse certificate"): // that of crypto/tls
		return "the certificate cannot be read"
	}
	return ""
}
