package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/saumer/saumer/http1/http1test"
)

// scripted makes connections to an endpoint in a bubble: the nth request of all is answered by the nth answer, the last by
// itself for ever; an empty one closes the connection instead. It counts connections and requests.
type scripted struct {
	answers         []string
	conns, requests int
}

func (s *scripted) dial(context.Context, string, string) (net.Conn, error) {
	s.conns++
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }() // a pipe's never fails
		for r := bufio.NewReader(theirs); http1test.ReadRequest(r) > 0; {
			answer := s.answers[min(s.requests, len(s.answers)-1)]
			s.requests++
			if _, err := io.WriteString(theirs, answer); answer == "" || err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// post sends a request, which has to succeed if the error is to be nil.
func (s *scripted) post(t *testing.T, c *Client, want error) {
	t.Helper()
	res, err := c.Post(t.Context(), time.Now().Add(timeout), endpoint(t, usual.url), nil, usual.body)
	if !errors.Is(err, want) || want == nil && (err != nil || res.Status != http.StatusOK) {
		t.Errorf("request %d: %d, %v, want %v", s.requests, res.Status, err, want)
	}
}

// A connection that was used before and closes before the first byte of an answer costs a fresh connection, not the attempt. A
// fresh one that closes costs the attempt.
func TestCrossedRequestGoesOutOnceMore(t *testing.T) {
	t.Parallel()
	ok := http1test.Accepting
	for name, c := range map[string]struct {
		answers         []string
		want            []error
		conns, requests int
	}{
		"crossed":         {[]string{ok, "", ok}, []error{nil, nil, nil}, 2, 4},
		"twice":           {[]string{ok, "", "", ok}, []error{nil, io.EOF, nil}, 3, 4},
		"fresh":           {[]string{"", ok}, []error{io.EOF, nil}, 2, 2},
		"half an answer":  {[]string{ok, ok[:20]}, []error{nil, errAny}, 1, 2},
		"answered at all": {[]string{ok, "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"}, []error{nil}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{answers: c.answers}
				client := New(Options{Dial: s.dial, IdleConns: 1, IdleTime: time.Minute})
				for _, want := range c.want {
					if want == errAny {
						if _, err := client.Post(t.Context(), time.Now().Add(timeout), endpoint(t, usual.url), nil, usual.body); err == nil {
							t.Error("it succeeded")
						}
						continue
					}
					s.post(t, client, want)
				}
				if s.conns != c.conns || s.requests != c.requests {
					t.Errorf("%d connections and %d requests, want %d and %d", s.conns, s.requests, c.conns, c.requests)
				}
				client.Close()
			})
		})
	}
}

// errAny stands for any error.
var errAny = errors.New("any")

// A host that closes used connections often gets fresh ones for a while, and only for a while.
func TestHostThatCrossesOftenGetsFreshConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ok := http1test.Accepting
		s := &scripted{answers: []string{ok, "", ok, "", ok, "", ok}}
		client := New(Options{Dial: s.dial, IdleConns: 1, IdleTime: time.Hour})
		for range 4 {
			s.post(t, client, nil)
		}
		if s.conns != 4 || !client.WantsFresh(endpoint(t, usual.url)) {
			t.Fatalf("%d connections after three crossings, want 4", s.conns)
		}
		for range 3 {
			s.post(t, client, nil)
		}
		if s.conns != 7 {
			t.Errorf("%d connections, want one for each of three requests", s.conns-4)
		}
		time.Sleep(crossingSpan)
		for range 3 {
			s.post(t, client, nil)
		}
		if s.conns != 7 || client.WantsFresh(endpoint(t, usual.url)) {
			t.Errorf("%d connections, want none after a while", s.conns-7)
		}
		for range 2 { // far apart, they are not often
			client.Crossed(endpoint(t, usual.url))
			client.Crossed(endpoint(t, usual.url))
			time.Sleep(crossingSpan)
		}
		if client.WantsFresh(endpoint(t, usual.url)) {
			t.Error("crossings that are far apart count as often")
		}
		client.Close()
	})
}

// What is remembered of hosts is bounded.
func TestCrossingsAreBounded(t *testing.T) {
	t.Parallel()
	c := newCrossings()
	for i := range crossedHosts + 10 {
		c.note(&Endpoint{addr: strings.Repeat("a", i)})
	}
	if len(c.of) != crossedHosts || int(c.hosts.Load()) != crossedHosts {
		t.Errorf("%d hosts are remembered, %d are said to be", len(c.of), c.hosts.Load())
	}
}

// An idle connection is not used shortly before its endpoint closes it, as far as that said so; and none is used for long.
func TestConnectionsEndInTime(t *testing.T) {
	t.Parallel()
	said := func(value string) string {
		return "HTTP/1.1 200 OK\r\nKeep-Alive: " + value + "\r\nContent-Length: 0\r\n\r\n"
	}
	for name, c := range map[string]struct {
		answer string
		idle   time.Duration
		conns  int
	}{
		"used within the timeout":  {said("timeout=5, max=100"), 3900 * time.Millisecond, 1},
		"not at its end":           {said("timeout=5, max=100"), 4100 * time.Millisecond, 4},
		"a short one":              {said("max=1,Timeout=1"), 400 * time.Millisecond, 1},
		"not at a short one's end": {said("max=1,Timeout=1"), 600 * time.Millisecond, 4},
		"none":                     {said("timeout=0"), time.Millisecond, 4},
		"nothing said":             {said("timeout"), 20 * time.Second, 1},
		"after an error":           {"HTTP/1.1 500 x\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n", 5 * time.Second, 4},
		"aged":                     {said("max=100"), 60 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{answers: []string{c.answer}}
				client := New(Options{Dial: s.dial, IdleConns: 1, IdleTime: time.Hour, ConnAge: 100 * time.Second})
				for range 4 {
					if _, err := client.Post(t.Context(), time.Now().Add(timeout), endpoint(t, usual.url), nil, usual.body); err != nil {
						t.Error(err)
					}
					time.Sleep(c.idle)
				}
				if s.conns != c.conns {
					t.Errorf("%d connections, want %d", s.conns, c.conns)
				}
				client.Close()
			})
		})
	}
}

// What has been idle the longest is given up first.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	p := newPool(idleConns, idleTime, 0)
	defer p.close()
	if p.giveUp() {
		t.Error("an empty pool gave something up")
	}
	a, first := pipe("one")
	b, second := pipe("two")
	p.put(a)
	p.put(b)
	if !p.giveUp() || !ended(first) || ended(second) || p.size != 1 {
		t.Error("it was not the one that has been idle the longest")
	}
}
