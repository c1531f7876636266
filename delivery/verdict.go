package delivery

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/saumer/saumer/http1"
)

// judge turns the status of a response that came complete into an outcome. The header of a success is not looked at.
func judge(a *Attempt, header http.Header, now time.Time) {
	switch status := a.Status; {
	case status >= 200 && status < 300:
		a.Outcome = Delivered
		return
	case status >= 300 && status < 400:
		a.Outcome = Redirect
		a.Error = fmt.Sprintf("the endpoint answered %s; redirects are not followed", status3(status))
	case status == http.StatusGone:
		a.Outcome = Gone
		a.Error = "the endpoint answered 410 Gone"
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		a.Outcome = Unavailable
		a.Error = "the endpoint answered " + status3(status)
	default:
		a.Outcome = Status
		a.Error = "the endpoint answered " + status3(status)
	}
	a.RetryAfter = parseRetryAfter(header.Get("Retry-After"), now)
}

// status3 is a status in words; the endpoint's own words are not trusted.
func status3(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d", status)
}

// classify turns an error into an outcome, and into a sentence that holds of the URL no more than the host. connect is how
// long a connection may take.
func classify(a *Attempt, host string, err error, connect time.Duration) {
	var (
		dns     *net.DNSError
		op      *net.OpError
		record  tls.RecordHeaderError
		certErr *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		expired x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, ErrURL):
		a.Outcome, a.Error = Forbidden, err.Error()
	case errors.Is(err, ErrForbidden):
		a.Outcome, a.Error = Forbidden, fmt.Sprintf("%s: %v", host, ErrForbidden)
	case errors.As(err, &dns):
		a.Outcome, a.Error = DNS, fmt.Sprintf("%s: the name cannot be resolved", host)
		if dns.IsNotFound {
			a.Error = fmt.Sprintf("%s: there is no such name", host)
		}
	case errors.As(err, &record):
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: does not speak TLS", host)
	case errors.As(err, &certErr), errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &expired):
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: the certificate is not trusted", host)
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls names them so
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: the TLS handshake failed: %v", host, op.Err)
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no connection within %v", host, connect)
	case errors.As(err, &op) && op.Op == "dial":
		a.Outcome, a.Error = Refused, fmt.Sprintf("%s: %s", host, reason(op))
	case errors.Is(err, http1.ErrHandshake), err.Error() == "net/http: TLS handshake timeout":
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no TLS handshake within %v", host, connect)
	case isTimeout(err):
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: the connection timed out", host)
	default:
		a.Outcome, a.Error = Broken, fmt.Sprintf("%s: the connection broke, or what came back is not HTTP", host)
	}
}

// reason is why a connection was not made, in words.
func reason(op *net.OpError) string {
	switch {
	case errors.Is(op, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(op, syscall.EHOSTUNREACH), errors.Is(op, syscall.ENETUNREACH):
		return "there is no way to the host"
	}
	return "the connection could not be made"
}

// isTimeout says whether a deadline ended it.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
