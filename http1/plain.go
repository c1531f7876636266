package http1

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// head is what counts of the head of a response: its status, its size and that of the body, and how long the endpoint keeps
// the connection while it is idle, 0 if it did not say.
type head struct {
	status, size, length int
	keepAlive            time.Duration
}

// plain reads the head of the response that most endpoints give, without net/http and without an allocation: HTTP/1.1,
// a success, one Content-Length or 204, a connection that stays. Of anything else, and of a head that is not complete, it
// says no, and net/http reads it.
func plain(b []byte) (h head, ok bool) {
	const start = "HTTP/1.1 2"
	if len(b) < len(start)+4 || string(b[:len(start)]) != start || !digit(b[10]) || !digit(b[11]) || b[12] != ' ' {
		return head{}, false
	}
	h = head{status: 200 + 10*int(b[10]-'0') + int(b[11]-'0'), length: -1}
	for line, rest := []byte(nil), b; ; {
		end := bytes.IndexByte(rest, '\n')
		if end < 1 || rest[end-1] != '\r' {
			return head{}, false
		}
		line, rest = rest[:end-1], rest[end+1:]
		if h.size == 0 { // the first line
			h.size = end + 1
			if !text(line) {
				return head{}, false
			}
			continue
		}
		h.size += end + 1
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || !name(line[:colon]) || !text(line[colon+1:]) {
			return head{}, false
		}
		value := bytes.Trim(line[colon+1:], " \t")
		switch {
		case is(line[:colon], "content-length"):
			if h.length >= 0 || len(value) == 0 || len(value) > 9 {
				return head{}, false
			}
			h.length = 0
			for _, d := range value {
				if !digit(d) {
					return head{}, false
				}
				h.length = 10*h.length + int(d-'0')
			}
		case is(line[:colon], "connection"):
			if !is(value, "keep-alive") {
				return head{}, false
			}
		case is(line[:colon], "keep-alive"):
			if h.keepAlive == 0 {
				h.keepAlive = keepAlive(value)
			}
		case is(line[:colon], "transfer-encoding"), is(line[:colon], "trailer"):
			return head{}, false
		}
	}
	if h.status == 204 {
		ok = h.length < 0
		h.length = 0
		return h, ok
	}
	return h, h.length >= 0
}

// longestKeepAlive bounds what is taken from a Keep-Alive header: an idle connection is closed before.
const longestKeepAlive = time.Hour

// KeepAlive is how long an endpoint that answers with this header keeps the connection while it is idle: the timeout of
// Keep-Alive, less a part for the way there, so that no request crosses its end. 0 is that it does not say.
func KeepAlive(header http.Header) time.Duration {
	for _, value := range header["Keep-Alive"] {
		if d := keepAlive([]byte(value)); d > 0 {
			return d
		}
	}
	return 0
}

// keepAlive is KeepAlive of one value.
func keepAlive(value []byte) time.Duration {
	for field := range bytes.SplitSeq(value, []byte{','}) {
		name, timeout, _ := bytes.Cut(field, []byte{'='})
		if !is(bytes.Trim(name, " \t"), "timeout") {
			continue
		}
		if seconds, err := strconv.ParseUint(string(bytes.Trim(timeout, " \t")), 10, 31); err == nil {
			said := min(time.Duration(seconds)*time.Second, longestKeepAlive)
			return max(said-min(said/2, time.Second), 1)
		}
	}
	return 0
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// name says whether a header's name has only letters, digits, - and _.
func name(b []byte) bool {
	for _, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c) || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// text says whether it is printable ASCII, spaces and tabs.
func text(b []byte) bool {
	for _, c := range b {
		if (c < ' ' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}

// is says whether a text is another, which is in lower case, whatever the case of its own.
func is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
