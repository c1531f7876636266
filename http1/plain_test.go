package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// FuzzPlain shows that what plain reads, net/http reads in the same way.
func FuzzPlain(f *testing.F) {
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 299 \r\ncontent-LENGTH:\t02 \r\nConnection: Keep-Alive\r\nA_b-1: ~\r\n\r\nokHTTP/1.1",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded\r\n\r\n1",
		"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n1",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\n1",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1",
		"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n1",
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n",
		"HTTP/1.1 200 OK\r\nKeep-Alive: max=5\r\nkeep-alive: timeout=x, TimeOut = 5 , timeout=7\r\nContent-Length: 1\r\n\r\n1",
	} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, ok := plain(raw)
		if !ok {
			return
		}
		r := bufio.NewReader(bytes.NewReader(raw))
		res, err := http.ReadResponse(r, posted)
		if err != nil {
			t.Fatalf("net/http does not read it: %v", err)
		}
		left, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != h.status || res.ContentLength != int64(h.length) || res.Close || !bytes.Equal(left, raw[h.size:]) || KeepAlive(res.Header) != h.keepAlive {
			t.Errorf("plain reads %+v; net/http %d, %d, close %v, %d bytes left of %d", h, res.StatusCode, res.ContentLength, res.Close, len(left), len(raw))
		}
	})
}

func TestPlainTakesTheUsual(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Tue, 11 Nov 2025 09:27:29 GMT\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n": true,
		"HTTP/1.1 204 No Content\r\n\r\n":                     true,
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n": false,
	} {
		h, ok := plain([]byte(head))
		if ok != want || ok && h.size != len(head) {
			t.Errorf("%q: %v, %d bytes of %d", head, ok, h.size, len(head))
		}
	}
}
