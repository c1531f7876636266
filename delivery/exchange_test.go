package delivery

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// play makes an attempt at an endpoint that answers with raw in pieces, and then closes or waits. It says whether the
// client took all of that and keeps the connection.
func play(t *testing.T, direct bool, raw []byte, piece int, closes bool) (a Attempt, keeps bool) {
	theirs, taken := net.Conn(nil), false
	c := NewClient(Options{Timeout: 10 * time.Second, Version: "test", Dial: func(context.Context, string, string) (net.Conn, error) {
		if theirs != nil {
			t.Error("the request was sent again")
			return nil, net.ErrClosed
		}
		var ours net.Conn
		ours, theirs = net.Pipe()
		go func() {
			req, err := http.ReadRequest(bufio.NewReader(theirs))
			if err == nil {
				_, err = io.Copy(io.Discard, req.Body)
			}
			for left := raw; err == nil && len(left) > 0; {
				n := min(piece, len(left))
				_, err = theirs.Write(left[:n])
				left = left[n:]
			}
			taken = err == nil
			if closes {
				_ = theirs.Close() // a pipe's never fails
			}
		}()
		return ours, nil
	}})
	defer c.Close()
	target := Target{ID: "7", URL: "http://endpoint.test/"}
	e, err := c.endpoint(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	e.direct = direct
	a = c.Do(t.Context(), target, Request{Event: "e", ID: "1", Data: []byte("{}"), Number: 1})
	synctest.Wait()
	keeps = taken && !closes && !ended(theirs)
	_ = theirs.Close() // as above
	synctest.Wait()
	return a, keeps
}

// FuzzExchange shows that an attempt over a connection of the client's own ends as net/http's does, whatever comes
// back, in whatever pieces: outcome, status, what is kept of the response, Retry-After, and whether the connection is
// used again.
func FuzzExchange(f *testing.F) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\nok",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 503 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 410 Gone\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0 200 OK\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2;x\r\nok\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nmore",
		"HTTP/1.1 199 x\r\n\r\n",
		"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
		"SSH-2.0\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 2", "",
	} {
		for piece := range uint8(2) {
			f.Add([]byte(raw), piece*100, true)
			f.Add([]byte(raw), piece*100, false)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, piece uint8, closes bool) {
		synctest.Test(t, func(t *testing.T) {
			ours, keeps := play(t, true, raw, int(piece)+1, closes)
			oracle, kept := play(t, false, raw, int(piece)+1, closes)
			if ours.Outcome != oracle.Outcome || ours.Status != oracle.Status || ours.Error != oracle.Error || ours.RetryAfter != oracle.RetryAfter || !bytes.Equal(ours.Response, oracle.Response) {
				t.Errorf("ours: %s %d %q %v %q\nnet/http's: %s %d %q %v %q", ours.Outcome, ours.Status, ours.Error, ours.RetryAfter, ours.Response,
					oracle.Outcome, oracle.Status, oracle.Error, oracle.RetryAfter, oracle.Response)
			}
			if keeps != kept {
				t.Errorf("used again: ours %v, net/http's %v; %s %d", keeps, kept, ours.Outcome, ours.Status)
			}
		})
	})
}
