package delivery

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
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

// headers passes on the headers of an attempt, each once and in canonical form: the user's own first, in order.
func (c *Client) headers(t Target, r Request, at time.Time, pass func(name, value string)) {
	if len(t.Headers) > 0 {
		own(t.Headers, pass)
	}
	id := printable(r.ID)
	pass("Content-Type", "application/json")
	pass("User-Agent", c.agent)
	pass("Webhook-Id", id)
	pass("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	if secrets := t.signers(at); len(secrets) > 0 {
		pass("Webhook-Signature", sign(secrets, id, at, r.Data))
	}
	pass("Saumer-Event", r.Event)
	pass("Saumer-Webhook", t.ID)
	pass("Saumer-Attempt", strconv.Itoa(r.Number))
	if r.Replay {
		pass("Saumer-Replay", "1")
	}
	if r.Test {
		pass("Saumer-Test", "1")
	}
}

// header is what headers passes on.
func (c *Client) header(t Target, r Request, at time.Time) http.Header {
	h := http.Header{}
	c.headers(t, r, at, func(name, value string) { h[name] = []string{value} })
	return h
}

// own passes on those of a user's headers that can be sent. Of names that differ in case alone, one is.
func own(headers map[string]string, pass func(name, value string)) {
	passed := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		if passed[canonical] || checkHeader(name, headers[name]) != nil {
			continue
		}
		passed[canonical] = true
		pass(canonical, strings.Trim(headers[name], " \t"))
	}
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
