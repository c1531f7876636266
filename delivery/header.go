package delivery

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Bounds of the user's own headers.
const (
	maxHeaders     = 20
	maxHeaderBytes = 4 << 10
)

// ErrHeader is returned for headers that a webhook cannot have.
var ErrHeader = errors.New("invalid header")

// reserved are the headers that are Saumer's or the connection's; so is whatever begins with Saumer- or Webhook-.
// An Idempotency-Key would make net/http send a POST again by itself.
var reserved = map[string]bool{
	"Content-Type": true, "User-Agent": true, "Host": true, "Content-Length": true, "Transfer-Encoding": true,
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Upgrade": true,
	"Expect": true, "Accept-Encoding": true, "Idempotency-Key": true, "X-Idempotency-Key": true,
}

// CheckHeaders says why a webhook cannot have these headers, or nil. Its error is an ErrHeader.
func CheckHeaders(headers map[string]string) error {
	if len(headers) > maxHeaders {
		return fmt.Errorf("%w: %d headers, at most %d can be set", ErrHeader, len(headers), maxHeaders)
	}
	size := 0
	for name, value := range headers {
		size += len(name) + len(value)
		if err := checkHeader(name, value); err != nil {
			return err
		}
	}
	if size > maxHeaderBytes {
		return fmt.Errorf("%w: %d bytes in all, at most %d", ErrHeader, size, maxHeaderBytes)
	}
	return nil
}

func checkHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%w: %q is not a header's name", ErrHeader, name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("%w: the value of %s has a control character", ErrHeader, canonical)
	case reserved[canonical] || strings.HasPrefix(canonical, "Saumer-") || strings.HasPrefix(canonical, "Webhook-"):
		return fmt.Errorf("%w: %s cannot be set", ErrHeader, canonical)
	}
	return nil
}

// header makes the headers of an attempt.
func (c *Client) header(t Target, r Request, at time.Time) http.Header {
	h := make(http.Header, 10+len(t.Headers))
	for name, value := range t.Headers {
		if checkHeader(name, value) == nil {
			h[http.CanonicalHeaderKey(name)] = []string{value}
		}
	}
	id := printable(r.ID)
	// The names are in canonical form already.
	h["Content-Type"] = c.contentType
	h["User-Agent"] = c.userAgent
	h["Webhook-Id"] = []string{id}
	h["Webhook-Timestamp"] = []string{strconv.FormatInt(at.Unix(), 10)}
	if secrets := t.signers(at); len(secrets) > 0 {
		h["Webhook-Signature"] = []string{sign(secrets, id, at, r.Data)}
	}
	h["Saumer-Event"] = []string{r.Event}
	h["Saumer-Webhook"] = []string{t.ID}
	h["Saumer-Attempt"] = []string{strconv.Itoa(r.Number)}
	if r.Replay {
		h["Saumer-Replay"] = c.one
	}
	if r.Test {
		h["Saumer-Test"] = c.one
	}
	return h
}

// printable is the id as a header can carry it: publishers choose ids, and what is not printable ASCII is sent
// percent-encoded.
func printable(id string) string {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return url.PathEscape(id)
		}
	}
	return id
}
