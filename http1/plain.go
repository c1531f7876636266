package http1

import "bytes"

// plain reads the head of the response that most endpoints give, without net/http and without an allocation: HTTP/1.1,
// a success, one Content-Length or 204, a connection that stays. It returns the sizes of the head and of the body. Of
// anything different, and of a head that is not complete, it says no, and net/http reads it.
func plain(b []byte) (status, head, length int, ok bool) {
	const start = "HTTP/1.1 2"
	if len(b) < len(start)+4 || string(b[:len(start)]) != start || !digit(b[10]) || !digit(b[11]) || b[12] != ' ' {
		return 0, 0, 0, false
	}
	status = 200 + 10*int(b[10]-'0') + int(b[11]-'0')
	length = -1
	for line, rest := []byte(nil), b; ; {
		end := bytes.IndexByte(rest, '\n')
		if end < 1 || rest[end-1] != '\r' {
			return 0, 0, 0, false
		}
		line, rest = rest[:end-1], rest[end+1:]
		if head == 0 { // the first line
			head = end + 1
			if !text(line) {
				return 0, 0, 0, false
			}
			continue
		}
		head += end + 1
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || !name(line[:colon]) || !text(line[colon+1:]) {
			return 0, 0, 0, false
		}
		value := bytes.Trim(line[colon+1:], " \t")
		switch {
		case is(line[:colon], "content-length"):
			if length >= 0 || len(value) == 0 || len(value) > 9 {
				return 0, 0, 0, false
			}
			length = 0
			for _, d := range value {
				if !digit(d) {
					return 0, 0, 0, false
				}
				length = 10*length + int(d-'0')
			}
		case is(line[:colon], "connection"):
			if !is(value, "keep-alive") {
				return 0, 0, 0, false
			}
		case is(line[:colon], "transfer-encoding"), is(line[:colon], "trailer"):
			return 0, 0, 0, false
		}
	}
	if status == 204 {
		return status, head, 0, length < 0
	}
	return status, head, length, length >= 0
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
