package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// overtime is the cause of an attempt that took too long.
type overtime struct{ after time.Duration }

func (o overtime) Error() string        { return fmt.Sprintf("no complete answer within %v", o.after) }
func (o overtime) Timeout() bool        { return true }
func (o overtime) Temporary() bool      { return true }
func (o overtime) Is(target error) bool { return target == context.DeadlineExceeded }

// late is that an attempt ended at its deadline or behind it, or nil.
func late(ended, deadline time.Time, timeout time.Duration) *overtime {
	if ended.Before(deadline) {
		return nil
	}
	return &overtime{timeout}
}

// judge turns the status of a response that came complete into an outcome.
func (c *Client) judge(a *Attempt, retryAfter string) {
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
	a.RetryAfter = parseRetryAfter(retryAfter, c.options.Now())
}

// status3 is a status in words; the endpoint's own words are not trusted.
func status3(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d", status)
}

// classify turns an error into an outcome and a sentence that holds of the URL no more than the host. late is set if the
// attempt's time is over.
func (c *Client) classify(ctx context.Context, late *overtime, t Target, err error, a *Attempt) {
	host := "the endpoint"
	if e, err := c.endpoint(t.URL); err == nil {
		host = e.url.Host
	}
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
	case ctx.Err() != nil:
		a.Outcome, a.Error = Aborted, "cut off, since Saumer stops"
	case late != nil:
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: %v", host, late)
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
	case errors.As(err, &op) && (op.Op == remoteAlert || op.Op == "local error"): // crypto/tls names them so
		a.Outcome, a.Error = TLS, fmt.Sprintf("%s: the TLS handshake failed: %v", host, op.Err)
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no connection within %v", host, c.options.ConnectTimeout)
	case errors.As(err, &op) && op.Op == "dial":
		a.Outcome, a.Error = Refused, fmt.Sprintf("%s: %s", host, reason(op))
	case errors.Is(err, errHandshake), err.Error() == "net/http: TLS handshake timeout":
		a.Outcome, a.Error = Timeout, fmt.Sprintf("%s: no TLS handshake within %v", host, c.options.ConnectTimeout)
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
