package delivery

import (
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
	case unavailable(status):
		a.Outcome = Unavailable
		a.Error = "the endpoint answered " + status3(status)
	default:
		a.Outcome = Status
		a.Error = "the endpoint answered " + status3(status)
	}
	a.RetryAfter = parseRetryAfter(header.Get("Retry-After"), now)
}

// unavailable says whether a status is about the endpoint and not about the event: whoever answers so takes nothing at the
// moment, and asks for a later try.
func unavailable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage,
		509: // the host's bandwidth is used up, in the words of many of them
		return true
	}
	// A proxy in front of the endpoint, such as Cloudflare's, did not reach it.
	return status >= 520 && status <= 530
}

// status3 is a status in words; the endpoint's own words are not trusted.
func status3(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d", status)
}

// classify turns an error into an outcome, and into a sentence that holds of the URL no more than the host. Connect is how
// long a connection may take, now the time by which certificates were judged.
func classify(a *Attempt, host string, err error, connect time.Duration, now time.Time) {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	handshake, shaking := errors.AsType[*http1.HandshakeError](err)
	says := func(o Outcome, format string, args ...any) {
		a.Outcome, a.Error = o, host+": "+fmt.Sprintf(format, args...)
	}
	switch {
	case errors.Is(err, ErrURL):
		a.Outcome, a.Error = Forbidden, err.Error()
	case errors.Is(err, ErrForbidden):
		says(Forbidden, "%v", ErrForbidden)
	case isDNS && dns.IsNotFound:
		says(DNS, "there is no such name")
	case isDNS:
		says(DNS, "the name cannot be resolved")
	case shaking:
		says(TLS, "%s", tlsFault(handshake.Err, now))
	case isOp && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls names alerts so
		says(TLS, "%s", tlsFault(err, now))
	case isOp && op.Op == "dial" && op.Timeout():
		says(Timeout, "no connection within %v", connect)
	case isOp && op.Op == "dial":
		says(Refused, "%s", reason(op))
	case errors.Is(err, http1.ErrHandshake):
		says(Timeout, "no TLS handshake within %v", connect)
	case isTimeout(err):
		says(Timeout, "the connection timed out")
	default:
		says(Broken, "the connection broke, or what came back is not HTTP")
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
