package delivery_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mustResolveHere(m), goleak.IgnoreCurrent()) }

// Both ways of an attempt must come to the same: a small body goes over the client's own connections, a large one by
// net/http.
var ways = map[string][]byte{"direct": event, "net/http": bytes.Repeat([]byte("1"), 61_000)}

// answering serves connections: it reads a request and answers with text, and then closes.
func answering(text string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		if http1test.ReadRequest(bufio.NewReader(c)) > 0 {
			_, _ = io.WriteString(c, text) // the client may have had enough
		}
	}
}

// endless answers with head, and then with part again and again, until the client closes.
func endless(head, part string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		if http1test.ReadRequest(bufio.NewReader(c)) == 0 {
			return
		}
		many := []byte(strings.Repeat(part, 1+(8<<10)/len(part)))
		for _, err := io.WriteString(c, head); err == nil; {
			_, err = c.Write(many)
		}
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	k := strings.Repeat("k", 1<<10)
	for name, c := range map[string]struct {
		serve   func(*net.TCPConn)
		outcome delivery.Outcome
		status  int
		kept    string
		says    string
	}{
		"plain":          {answering(http1test.Accepting), delivery.Delivered, 200, "ok", ""},
		"no words":       {answering("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), delivery.Delivered, 200, "", ""},
		"bare newlines":  {answering("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), delivery.Delivered, 200, "ok", ""},
		"1.0":            {answering("HTTP/1.0 200 OK\r\n\r\nto the end"), delivery.Delivered, 200, "to the end", ""},
		"close":          {answering("HTTP/1.1 201 Created\r\nConnection: close\r\n\r\nto the end"), delivery.Delivered, 201, "to the end", ""},
		"chunked":        {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), delivery.Delivered, 200, "abcde", ""},
		"trailers":       {answering("HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n"), delivery.Delivered, 200, "a", ""},
		"no content":     {answering("HTTP/1.1 204 No Content\r\n\r\n"), delivery.Delivered, 204, "", ""},
		"informational":  {answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http1test.Accepting), delivery.Delivered, 200, "ok", ""},
		"switch":         {answering("HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\n\r\n"), delivery.Status, 101, "", "the endpoint answered 101 Switching Protocols"},
		"switch, hold":   {stall("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nmore"), delivery.Status, 101, "", "the endpoint answered 101 Switching Protocols"},
		"redirect":       {answering("HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"), delivery.Redirect, 307, "", "the endpoint answered 307 Temporary Redirect; redirects are not followed"},
		"not modified":   {answering("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"), delivery.Redirect, 304, "", "the endpoint answered 304 Not Modified; redirects are not followed"},
		"gone":           {answering("HTTP/1.1 410 Gone\r\nContent-Length: 3\r\n\r\nbye"), delivery.Gone, 410, "bye", "the endpoint answered 410 Gone"},
		"busy":           {answering("HTTP/1.1 503 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"), delivery.Unavailable, 503, "", "the endpoint answered 503 Service Unavailable"},
		"unknown":        {answering("HTTP/1.1 499 <b>\r\nContent-Length: 0\r\n\r\n"), delivery.Status, 499, "", "the endpoint answered 499"},
		"long":           {answering("HTTP/1.1 200 OK\r\nContent-Length: 2048\r\n\r\n" + k + k), delivery.Delivered, 200, k, ""},
		"longest":        {answering("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat(k, 64)), delivery.Delivered, 200, k, ""},
		"gigabytes":      {endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", "k"), delivery.Delivered, 200, k, ""},
		"endless":        {endless("HTTP/1.1 200 OK\r\n\r\n", "k"), delivery.Delivered, 200, k, ""},
		"endless chunks": {endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nk\r\n"), delivery.Delivered, 200, k, ""},
		"padded chunks":  {endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;"+k+"\r\nk\r\n"), delivery.Broken, 200, "", "what came back is not HTTP"},
		"header bomb":    {endless("HTTP/1.1 200 OK\r\n", "A: "+k+"\r\n"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"one header":     {endless("HTTP/1.1 200 OK\r\nA: ", "k"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"first line":     {endless("HTTP/1.1 200 ", "k"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"hints for ever": {endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"trailer bomb":   {endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n"), delivery.Broken, 200, "", "what came back is not HTTP"},
		"large headers":  {answering("HTTP/1.1 200 OK\r\nA: " + strings.Repeat(k, 50) + "\r\nContent-Length: 2\r\n\r\nok"), delivery.Delivered, 200, "ok", ""},
		"garbage":        {answering("SSH-2.0-OpenSSH_9.6\r\n"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"bad version":    {answering("HTTP/x 200 OK\r\n\r\n"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"bad status":     {answering("HTTP/1.1 20 OK\r\n\r\n"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"bad header":     {answering("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"two lengths":    {answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"bad length":     {answering("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nabc"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"bad encoding":   {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"), delivery.Broken, 0, "", "what came back is not HTTP"},
		"bad chunk":      {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), delivery.Broken, 200, "", "what came back is not HTTP"},
		"nothing":        {answering(""), delivery.Broken, 0, "", "the connection broke"},
		"half a line":    {answering("HTTP/1.1 2"), delivery.Broken, 0, "", "the connection broke"},
		"half a head":    {answering("HTTP/1.1 200 OK\r\nContent-Le"), delivery.Broken, 0, "", "the connection broke"},
		"half a body":    {answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"), delivery.Broken, 200, "hal", "the connection broke"},
		"half a chunk":   {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal"), delivery.Broken, 200, "hal", "the connection broke"},
		"reset": {func(c *net.TCPConn) {
			if http1test.ReadRequest(bufio.NewReader(c)) > 0 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") // the end says all
				_ = c.SetLinger(0)                                                       // a close is a reset then
			}
		}, delivery.Broken, -1, "", "the connection broke"},
		"early": {func(c *net.TCPConn) {
			// It answers when it has seen the headers, and reads nothing more until the client has closed.
			r := bufio.NewReaderSize(c, 16)
			for line, err := r.ReadSlice('\n'); err == bufio.ErrBufferFull || err == nil && len(line) > 2; {
				line, err = r.ReadSlice('\n')
			}
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") // the end says all
			_ = c.CloseWrite()                                                                                   // as well
			_, _ = io.Copy(io.Discard, r)                                                                        // as well
		}, delivery.Status, 413, "", "the endpoint answered 413 Request Entity Too Large"},
	} {
		for way, data := range ways {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				client := newClient(t)
				addr := http1test.Listen(t, c.serve)
				a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "http://" + addr + "/secret"}, delivery.Request{Event: "e", ID: "1", Seq: 1, Data: data, Number: 1})
				if a.Outcome != c.outcome || (a.Status != c.status && c.status >= 0) || !strings.Contains(a.Error, c.says) || (c.says == "") != (a.Error == "") {
					t.Errorf("got %s, status %d, %q", a.Outcome, a.Status, a.Error)
				}
				if a.Status != 0 && c.status >= 0 && string(a.Response) != c.kept && (c.outcome != delivery.Broken || c.kept != "") {
					t.Errorf("kept %d bytes of the response, %.20q", len(a.Response), a.Response)
				}
				if strings.Contains(a.Error, "secret") || a.Outcome == delivery.Broken && !strings.HasPrefix(a.Error, addr+": ") {
					t.Errorf("the error does not say only the host: %q", a.Error)
				}
				if want := map[int]time.Duration{503: 7 * time.Second}[a.Status]; a.RetryAfter != want {
					t.Errorf("retry after %v, want %v", a.RetryAfter, want)
				}
			})
		}
	}
}

// stalls are receivers that never come to an end.
var stalls = map[string]func(*net.TCPConn){
	"reads nothing": func(c *net.TCPConn) {
		_ = c.SetReadBuffer(1) // as small as may be
		for {
			// What ends it is the end of the test, which closes it.
			if _, err := c.Write(nil); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	},
	"says nothing": func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }, // until the client has closed
	"trickles the headers": func(c *net.TCPConn) {
		trickle(c, "", "A: bcdefghijklmnopqrstuvwxyz\r\n", "HTTP/1.1 200 OK\r\n")
	},
	"trickles the body": func(c *net.TCPConn) {
		trickle(c, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", "k", "")
	},
	"trickles chunks": func(c *net.TCPConn) {
		trickle(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nk\r\n", "")
	},
	"trickles hints": func(c *net.TCPConn) { trickle(c, "", "HTTP/1.1 103 Early Hints\r\n\r\n", "") },
	"ends no head":   stall("HTTP/1.1 200 OK\r\n"),
	"ends no body":   stall("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"),
	"ends no chunk":  stall("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal"),
	"ends no stream": stall("HTTP/1.1 200 OK\r\n\r\nhal"),
}

// stall answers with text, and then waits for the client to close.
func stall(text string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		answering(text)(c)
		_, _ = io.Copy(io.Discard, c) // until the client has closed
	}
}

// trickle answers with head at once, and with first and then again and again part byte by byte.
func trickle(c *net.TCPConn, head, part, first string) {
	answering(head)(c)
	for text := first + part; ; text = part {
		for i := range len(text) {
			time.Sleep(2 * time.Millisecond)
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
		}
	}
}

func TestDeadlineHoldsForAll(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	eachStall(t, func(t *testing.T, client *delivery.Client, target delivery.Target, r delivery.Request) {
		target.Timeout = limit
		a := client.Do(t.Context(), target, r)
		if a.Outcome != delivery.Timeout || !strings.HasSuffix(a.Error, ": no complete answer within 200ms") {
			t.Errorf("got %s, %q", a.Outcome, a.Error)
		}
		if a.Duration < limit || a.Duration > limit+3*time.Second {
			t.Errorf("took %v, the limit is %v", a.Duration, limit)
		}
	})
}

func TestStopCutsAttempts(t *testing.T) {
	t.Parallel()
	eachStall(t, func(t *testing.T, client *delivery.Client, target delivery.Target, r delivery.Request) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if a := client.Do(ctx, target, r); a.Outcome != delivery.Aborted || a.Duration > 5*time.Second {
			t.Errorf("got %s after %v, %q", a.Outcome, a.Duration, a.Error)
		}
		if a := client.Do(ctx, target, r); a.Outcome != delivery.Aborted {
			t.Errorf("after the stop: got %s, %q", a.Outcome, a.Error)
		}
	})
}

// eachStall plays every receiver that stalls, by both ways, over TCP and where TLS is expected.
func eachStall(t *testing.T, play func(*testing.T, *delivery.Client, delivery.Target, delivery.Request)) {
	for name, serve := range stalls {
		for way, data := range ways {
			for _, scheme := range []string{"http", "https"} {
				if scheme == "https" && name != "says nothing" {
					continue
				}
				t.Run(scheme+"/"+name+"/"+way, func(t *testing.T) {
					t.Parallel()
					client := newClient(t)
					target := delivery.Target{ID: "7", URL: scheme + "://" + http1test.Listen(t, serve) + "/"}
					if way == "direct" && scheme == "https" {
						client.Speaks(strings.TrimSuffix(target.URL[8:], "/"))
					}
					play(t, client, target, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
				})
			}
		}
	}
}

// Whatever an endpoint does, a request comes to it twice at most, and only if it closed a connection without an answer; and none
// counts as delivered that it did not accept.
func TestRequestsAreSentTwiceAtMost(t *testing.T) {
	t.Parallel()
	const workers, each = 16, 150
	var mu sync.Mutex
	seen, answered, accepted := map[string]int{}, map[string]bool{}, map[string]bool{}
	rng := rand.New(rand.NewPCG(1, 2))
	addr := http1test.Listen(t, func(c *net.TCPConn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			id := req.Header.Get("Webhook-Id")
			if _, err = io.Copy(io.Discard, req.Body); err != nil {
				return
			}
			mu.Lock()
			if seen[id]++; answered[id] || seen[id] > 2 {
				t.Errorf("%s came again", id)
			}
			what := rng.IntN(10)
			answered[id], accepted[id] = what != 6 && what != 7, what < 6
			mu.Unlock()
			switch what {
			case 6: // no answer
				return
			case 7:
				_ = c.SetLinger(0) // a reset
				return
			case 8:
				_, _ = io.WriteString(c, http1test.Accepting[:len(http1test.Accepting)-1]) // cut off
				return
			case 9:
				_, _ = io.WriteString(c, http1test.Accepting[:20]) // cut off as well
				_ = c.SetLinger(0)
				return
			}
			if _, err := io.WriteString(c, http1test.Accepting); err != nil || what == 5 {
				return // with the answer, or after it
			}
		}
	})
	client := newClient(t)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d-%d", w, i)
				data := ways["direct"]
				if i%10 == 0 {
					data = ways["net/http"]
				}
				a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "http://" + addr}, delivery.Request{Event: "e", ID: id, Data: data, Number: 1})
				mu.Lock()
				// A connection that is closed as we write leaves a request that nobody saw.
				if (a.Outcome == delivery.Delivered) != (seen[id] > 0 && accepted[id]) {
					t.Errorf("%s came %d times, accepted: %v, outcome %s, %q", id, seen[id], accepted[id], a.Outcome, a.Error)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) < workers*each/2 {
		t.Errorf("%d of %d came", len(seen), workers*each)
	}
}
