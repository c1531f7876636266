package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// timeout is how long a request may take in these tests.
const timeout = 10 * time.Second

// way is how a request is sent, over a connection that dial makes. It returns what ends the way.
type way func(ctx context.Context, dial dial, r request) (res Response, done func(), err error)

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// request is what is sent in these tests.
type request struct {
	url    string
	header []Field
	body   []byte
}

// usual is a request like most.
var usual = request{"http://endpoint.test/", []Field{{"User-Agent", "test"}}, []byte("{}")}

// played is what both sides saw of a request.
type played struct {
	// seen is the request as the endpoint read it, with its body.
	seen *http.Request
	body []byte
	// res and err are what the client returned, late is whether it returned at the deadline, keeps whether it has taken the
	// whole response and keeps the connection.
	res         Response
	err         error
	late, keeps bool
}

// post sends a request by this package.
func post(ctx context.Context, dial dial, r request) (Response, func(), error) {
	c := New(Options{Dial: dial, IdleConns: 1, IdleTime: time.Minute})
	u, err := url.Parse(r.url)
	if err != nil {
		return Response{}, c.Close, err
	}
	res, err := c.Post(ctx, time.Now().Add(timeout), NewEndpoint(u), r.header, r.body)
	return res, c.Close, err
}

// relay sends a request by net/http.
func relay(ctx context.Context, dial dial, r request) (Response, func(), error) {
	transport := &http.Transport{DialContext: dial, MaxResponseHeaderBytes: MaxResponse, DisableCompression: true}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return Response{}, transport.CloseIdleConnections, err
	}
	for _, f := range r.header {
		req.Header[f.Name] = []string{f.Value}
	}
	answer, err := transport.RoundTrip(req)
	if err != nil {
		return Response{}, transport.CloseIdleConnections, err
	}
	defer func() { _ = answer.Body.Close() }() // what was to be known has been read
	res := Response{Status: answer.StatusCode}
	if res.Status < 200 || res.Status > 299 {
		res.Header = answer.Header
	}
	if res.Status != http.StatusSwitchingProtocols { // what follows is no body
		res.Body, _, err = ReadBody(answer.Body, make([]byte, MaxKept))
	}
	return res, transport.CloseIdleConnections, err
}

// play sends a request, by a way, to an endpoint that answers with raw in pieces, and then closes or waits.
func play(t *testing.T, by way, r request, raw []byte, piece int, closes bool) played {
	var p played
	theirs, taken := net.Conn(nil), false
	dial := func(context.Context, string, string) (net.Conn, error) {
		if theirs != nil {
			t.Error("the request was sent again")
			return nil, net.ErrClosed
		}
		var ours net.Conn
		ours, theirs = net.Pipe()
		go func() {
			var err error
			if p.seen, err = http.ReadRequest(bufio.NewReader(theirs)); err == nil {
				p.body, err = io.ReadAll(p.seen.Body)
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
	}
	var done func()
	begun := time.Now()
	p.res, done, p.err = by(t.Context(), dial, r)
	p.late = time.Since(begun) >= timeout
	defer done()
	if theirs == nil {
		return p
	}
	synctest.Wait()
	p.keeps = taken && !closes && !ended(theirs)
	_ = theirs.Close() // as above
	synctest.Wait()
	return p
}

// sameEnd holds what the client returned equal to what net/http did, and whether the connection is used again.
func sameEnd(t *testing.T, ours, oracle played) {
	t.Helper()
	if ours.res.Status != oracle.res.Status || !bytes.Equal(ours.res.Body, oracle.res.Body) || !reflect.DeepEqual(ours.res.Header, oracle.res.Header) ||
		(ours.err == nil) != (oracle.err == nil) || ours.late != oracle.late {
		t.Errorf("ours: %d %v %q %v\nnet/http's: %d %v %q %v", ours.res.Status, ours.res.Header, ours.res.Body, ours.err,
			oracle.res.Status, oracle.res.Header, oracle.res.Body, oracle.err)
	}
	if ours.keeps != oracle.keeps {
		t.Errorf("used again: ours %v, net/http's %v; status %d", ours.keeps, oracle.keeps, ours.res.Status)
	}
}

// The endpoint sees the same request by both ways, and the client returns the same response.
func TestRequestsAreThoseOfNetHTTP(t *testing.T) {
	t.Parallel()
	header := []Field{{"Authorization", "Basic YTpi"}, {"Content-Type", "application/json"}, {"User-Agent", "Saumer/1.2"}, {"X-Token", "a\tb ~"}}
	for _, target := range []string{
		"http://endpoint.test", "http://endpoint.test/", "http://endpoint.test:8080/hook?from=demo", "http://ENDPOINT.test/a%20b/%2f/ü?a=b&c=%zz&d=+",
		"http://[::1]:9/", "http://127.0.0.1/?", "http://a_b.test//x/../y;z=1", "http://endpoint.test/" + strings.Repeat("p", 2000),
	} {
		for _, size := range []int{0, 1, 500, maxRequest} {
			synctest.Test(t, func(t *testing.T) {
				r := request{target, header, bytes.Repeat([]byte("1"), size)}
				const raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
				ours, oracle := play(t, post, r, []byte(raw), 100, false), play(t, relay, r, []byte(raw), 100, false)
				sameEnd(t, ours, oracle)
				if ours.seen == nil || oracle.seen == nil {
					t.Fatalf("%s: %v, %v", target, ours.err, oracle.err)
				}
				for _, p := range []played{ours, oracle} {
					if p.seen.Method != http.MethodPost || p.seen.Proto != "HTTP/1.1" || p.seen.ContentLength != int64(size) || !bytes.Equal(p.body, r.body) || !p.keeps {
						t.Errorf("%s, %d bytes: came as %s %s with %d bytes of %d", target, size, p.seen.Method, p.seen.Proto, len(p.body), p.seen.ContentLength)
					}
				}
				if ours.seen.RequestURI != oracle.seen.RequestURI || ours.seen.Host != oracle.seen.Host || !reflect.DeepEqual(ours.seen.Header, oracle.seen.Header) {
					t.Errorf("ours: %s %s %v\nnet/http's: %s %s %v", ours.seen.Host, ours.seen.RequestURI, ours.seen.Header, oracle.seen.Host, oracle.seen.RequestURI, oracle.seen.Header)
				}
			})
		}
	}
}

// What the client does not take, it does not send.
func TestUnsupportedRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]request{
		"a large body":        {usual.url, nil, make([]byte, maxRequest+1)},
		"a line break":        {usual.url, []Field{{"A", "b\r\nC: d"}}, nil},
		"a line break's name": {usual.url, []Field{{"A: b\nC", "d"}}, nil},
		"another alphabet":    {"http://münchen.test/", nil, nil},
		"a zone":              {"http://[fe80::1%25eth0]/", nil, nil},
		"a TLS host":          {"https://endpoint.test/", nil, nil},
	} {
		res, done, err := post(t.Context(), func(context.Context, string, string) (net.Conn, error) {
			t.Errorf("%s: it was dialed", name)
			return nil, net.ErrClosed
		}, r)
		if !errors.Is(err, ErrUnsupported) || res.Status != 0 {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
		done()
	}
}

// BenchmarkRequest is what it costs to put a request together.
func BenchmarkRequest(b *testing.B) {
	u, err := url.Parse(usual.url)
	if err != nil {
		b.Fatal(err)
	}
	e, x, body := NewEndpoint(u), newExchange(), bytes.Repeat([]byte("0"), 500)
	header := []Field{{"Content-Type", "application/json"}, {"User-Agent", "Saumer/1.2"}, {"Webhook-Signature", "v1," + strings.Repeat("k", 44)}}
	b.ReportAllocs()
	for b.Loop() {
		if !writable(header) {
			b.Fatal("it cannot be written")
		}
		x.write(e, header, body)
	}
}

// FuzzExchange shows that a request ends as net/http's does, whatever comes back, in whatever pieces: status, header, what
// is kept of the body, whether it failed and by a timeout, and whether the connection is used again.
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
			sameEnd(t, play(t, post, usual, raw, int(piece)+1, closes), play(t, relay, usual, raw, int(piece)+1, closes))
		})
	})
}
