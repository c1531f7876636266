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

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/http1"
)

// Bounds of the user's own headers.
const (
	maxHeaders     = 20
	maxHeaderBytes = 4 << 10
)

// errHeader begins the errors of headers that a webhook cannot have.
var errHeader = errors.New("invalid header")

// reserved are the headers that are Saumer's or the connection's; so is whatever begins with Saumer- or Webhook-.
// An Idempotency-Key of the user's would be the same for all events; webhook-id is the key.
var reserved = map[string]bool{
	"Content-Type": true, "User-Agent": true, "Host": true, "Content-Length": true, "Transfer-Encoding": true,
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Upgrade": true,
	"Expect": true, "Accept-Encoding": true, "Idempotency-Key": true, "X-Idempotency-Key": true,
}

// CheckHeaders says why a webhook cannot have these headers, or nil.
func CheckHeaders(headers map[string]string) error {
	if len(headers) > maxHeaders {
		return fmt.Errorf("%w: %d headers, at most %d can be set", errHeader, len(headers), maxHeaders)
	}
	size := 0
	for name, value := range headers {
		size += len(name) + len(value)
		if err := checkHeader(name, value); err != nil {
			return err
		}
	}
	if size > maxHeaderBytes {
		return fmt.Errorf("%w: %d bytes in all, at most %d", errHeader, size, maxHeaderBytes)
	}
	return nil
}

func checkHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%w: %q is not a header's name", errHeader, name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("%w: the value of %s has a control character", errHeader, canonical)
	case reserved[canonical] || strings.HasPrefix(canonical, "Saumer-") || strings.HasPrefix(canonical, "Webhook-"):
		return fmt.Errorf("%w: %s cannot be set", errHeader, canonical)
	}
	return nil
}

// fields appends the header of an attempt, each field once and in canonical form: the user's own first, in order.
func fields(to []http1.Field, agent string, t Target, r Request, at time.Time) []http1.Field {
	if len(t.Headers) > 0 {
		to = own(to, t.Headers)
	}
	if !slices.ContainsFunc(to, func(f http1.Field) bool { return f.Name == "Accept" }) {
		to = append(to, http1.Field{Name: "Accept", Value: "*/*"})
	}
	id := printable(r.ID)
	to = append(to,
		http1.Field{Name: "Content-Type", Value: "application/json"},
		http1.Field{Name: "User-Agent", Value: agent},
		http1.Field{Name: "Webhook-Id", Value: id},
		http1.Field{Name: "Webhook-Timestamp", Value: strconv.FormatInt(at.Unix(), 10)})
	if secrets := t.signers(at); len(secrets) > 0 {
		to = append(to, http1.Field{Name: "Webhook-Signature", Value: sign(secrets, id, at, r.Data)})
	}
	to = append(to,
		http1.Field{Name: "Saumer-Event", Value: r.Event},
		http1.Field{Name: "Saumer-Webhook", Value: t.ID},
		http1.Field{Name: "Saumer-Attempt", Value: strconv.Itoa(r.Number)},
		http1.Field{Name: event.HopsHeader, Value: strconv.Itoa(r.Hops + 1)})
	if r.Replay {
		to = append(to, http1.Field{Name: "Saumer-Replay", Value: "1"})
	}
	if r.Test {
		to = append(to, http1.Field{Name: "Saumer-Test", Value: "1"})
	}
	return to
}

// header is what net/http takes for the fields.
func header(fields []http1.Field) http.Header {
	h := make(http.Header, len(fields))
	for _, f := range fields {
		h[f.Name] = []string{f.Value}
	}
	return h
}

// own appends those of a user's headers that can be sent. Of names that differ only in case, one is.
func own(to []http1.Field, headers map[string]string) []http1.Field {
	taken := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		if taken[canonical] || checkHeader(name, headers[name]) != nil {
			continue
		}
		taken[canonical] = true
		to = append(to, http1.Field{Name: canonical, Value: strings.Trim(headers[name], " \t")})
	}
	return to
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
