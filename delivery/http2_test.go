package delivery_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// speaksHTTP2 serves a connection of which the handshake chose HTTP/2. It has each request that came whole answered; the
// connection ends when that says so.
func speaksHTTP2(c net.Conn, answer func(f *http2.Framer, stream uint32) (goOn bool)) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	if f.WriteSettings() != nil {
		return
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				err = f.WritePing(true, frame.Data)
			}
		case *http2.DataFrame:
			if frame.StreamEnded() && !answer(f, frame.StreamID) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// accepts answers a request of HTTP/2 with 200.
func accepts(f *http2.Framer, stream uint32) bool {
	ok := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}, EndHeaders: true}) // :status 200
	return ok == nil && f.WriteData(stream, true, []byte("ok")) == nil
}

// An endpoint that takes no request on any connection costs an attempt two connections at most, and the request goes out twice
// at most.
func TestHTTP2DialsAreBounded(t *testing.T) {
	t.Parallel()
	type answer = func(f *http2.Framer, stream uint32) bool
	goAway := func(last uint32, code http2.ErrCode, goOn bool) answer {
		return func(f *http2.Framer, _ uint32) bool { return f.WriteGoAway(last, code, nil) == nil && goOn }
	}
	for name, c := range map[string]struct {
		first, then     answer
		outcome         delivery.Outcome
		conns, requests int32
	}{
		"goes away":           {goAway(0, http2.ErrCodeNo, true), goAway(0, http2.ErrCodeNo, true), delivery.Broken, 2, 2},
		"goes away and ends":  {goAway(0, http2.ErrCodeNo, false), goAway(0, http2.ErrCodeNo, false), delivery.Broken, 2, 2},
		"goes away in anger":  {goAway(0, http2.ErrCodeEnhanceYourCalm, false), goAway(0, http2.ErrCodeEnhanceYourCalm, false), delivery.Broken, 1, 1},
		"goes away once":      {goAway(0, http2.ErrCodeNo, true), accepts, delivery.Delivered, 2, 2},
		"refuses once":        {resets(http2.ErrCodeRefusedStream), accepts, delivery.Delivered, 2, 2},
		"refuses":             {resets(http2.ErrCodeRefusedStream), resets(http2.ErrCodeRefusedStream), delivery.Broken, 2, 2},
		"resets":              {resets(http2.ErrCodeInternal), accepts, delivery.Broken, 1, 1},
		"closes a fresh one":  {func(*http2.Framer, uint32) bool { return false }, accepts, delivery.Broken, 1, 1},
		"processed, and ends": {goAway(1, http2.ErrCodeNo, false), accepts, delivery.Broken, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := http1test.NewAuthority(t)
			var conns, requests atomic.Int32
			addr := http1test.Listen(t, http1test.Secured(&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: []string{"h2"}}, func(over *tls.Conn) {
				n := conns.Add(1)
				speaksHTTP2(over, func(f *http2.Framer, stream uint32) bool {
					requests.Add(1)
					if n == 1 {
						return c.first(f, stream)
					}
					return c.then(f, stream)
				})
			}))
			a := newTrusting(t, ca).Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr + "/"}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
			if a.Outcome != c.outcome || conns.Load() != c.conns || requests.Load() != c.requests {
				t.Errorf("%s, %q after %v: %d connections and %d requests, want %d and %d", a.Outcome, a.Error, a.Duration, conns.Load(), requests.Load(), c.conns, c.requests)
			}
		})
	}
}

// resets answers a request by resetting its stream.
func resets(code http2.ErrCode) func(f *http2.Framer, stream uint32) bool {
	return func(f *http2.Framer, stream uint32) bool { return f.WriteRSTStream(stream, code) == nil }
}

// An endpoint that asks for HTTP/1.1 gets the request over that, at once and from then on.
func TestHTTP1IsUsedWhereRequired(t *testing.T) {
	t.Parallel()
	for way, data := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			ca := http1test.NewAuthority(t)
			var second, first atomic.Int32
			addr := http1test.Listen(t, http1test.Secured(&tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: []string{"h2", "http/1.1"}}, func(c *tls.Conn) {
				if c.ConnectionState().NegotiatedProtocol == "h2" {
					second.Add(1)
					speaksHTTP2(c, resets(http2.ErrCodeHTTP11Required))
					return
				}
				first.Add(1)
				for r := bufio.NewReader(c); http1test.ReadRequest(r) > 0; {
					if _, err := io.WriteString(c, http1test.Accepting); err != nil {
						return
					}
				}
			}))
			client := newTrusting(t, ca)
			for i := range 3 {
				a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "https://" + addr + "/"}, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
				if a.Outcome != delivery.Delivered || second.Load() != 1 || first.Load() != 1 {
					t.Errorf("attempt %d: %s, %q, %d connections by HTTP/2 and %d by HTTP/1.1", i, a.Outcome, a.Error, second.Load(), first.Load())
				}
			}
		})
	}
}

// forgets is a way to an endpoint of which a part can forget its connections, as a NAT does: what is sent on them is lost.
type forgets struct{ forgotten atomic.Bool }

// pass passes on what comes, until it is forgotten.
func (f *forgets) pass(to io.Writer, from io.Reader) {
	_, _ = io.Copy(&passing{to, f}, from) // either end closes
}

type passing struct {
	io.Writer
	way *forgets
}

func (p *passing) Write(b []byte) (int, error) {
	if p.way.forgotten.Load() {
		return len(b), nil
	}
	return p.Writer.Write(b)
}

// A connection that leads nowhere is left within seconds: within the attempt that finds it, if its time allows, else after it.
func TestForgottenHTTP2ConnectionIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout, idle time.Duration
		outcome       delivery.Outcome
		within        time.Duration
	}{
		"with time":         {15 * time.Second, 0, delivery.Delivered, 10*time.Second + time.Millisecond},
		"with little time":  {3 * time.Second, 0, delivery.Timeout, 3 * time.Second},
		"found while idle":  {3 * time.Second, 11 * time.Second, delivery.Delivered, 0},
		"almost found idle": {6 * time.Second, 5 * time.Second, delivery.Delivered, 5*time.Second + time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := http1test.NewAuthority(t)
				config := &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, nil)}, NextProtos: []string{"h2"}}
				var newest *forgets
				conns := 0
				client := delivery.NewClient(delivery.Options{
					Timeout: c.timeout, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test",
					Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
						conns++
						ours, middle := net.Pipe()
						behind, theirs := net.Pipe()
						way := &forgets{}
						newest = way
						go func() { way.pass(behind, middle); _ = behind.Close() }()
						go func() { way.pass(middle, behind); _ = middle.Close() }()
						go func() {
							over := tls.Server(theirs, config)
							if over.Handshake() == nil {
								speaksHTTP2(over, accepts)
							}
							_ = theirs.Close() // a pipe's never fails
						}()
						return ours, nil
					},
				})
				client.Trust(ca.Roots())
				deliver(t, client, "https://localhost/", 1)
				deliver(t, client, "https://localhost/", 2)
				newest.forgotten.Store(true)
				time.Sleep(c.idle)
				a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "https://localhost/"}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
				if a.Outcome != c.outcome || a.Duration > c.within {
					t.Errorf("%s, %q after %v", a.Outcome, a.Error, a.Duration)
				}
				deliver(t, client, "https://localhost/", 3)
				if conns != 2 {
					t.Errorf("%d connections, want 2", conns)
				}
				client.Close()
				synctest.Wait()
			})
		})
	}
}
