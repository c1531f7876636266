package delivery_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// What holds of connections holds by both ways: which are used again, and for how long; and what is sent again.
func TestConnectionsByBothWays(t *testing.T) {
	t.Parallel()
	ok := http1test.Accepting
	brief := "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok"
	for name, c := range map[string]struct {
		answers         []string // of all requests in turn, the last for ever; an empty one closes the connection instead
		idle            time.Duration
		outcomes        []delivery.Outcome
		conns, requests int
	}{
		"used again":     {[]string{ok}, time.Second, []delivery.Outcome{"delivered", "delivered", "delivered"}, 1, 3},
		"crossed":        {[]string{ok, "", ok}, time.Second, []delivery.Outcome{"delivered", "delivered", "delivered"}, 2, 4},
		"crossed, twice": {[]string{ok, "", "", ok}, time.Second, []delivery.Outcome{"delivered", "broken", "delivered"}, 3, 4},
		"fresh":          {[]string{"", ok}, time.Second, []delivery.Outcome{"broken", "delivered"}, 2, 2},
		"often": {[]string{ok, "", ok, "", ok, "", ok}, time.Second, []delivery.Outcome{
			"delivered", "delivered", "delivered", "delivered", "delivered", "delivered",
		}, 6, 9},
		"brief, in time":  {[]string{brief}, 3 * time.Second, []delivery.Outcome{"delivered", "delivered"}, 1, 2},
		"brief, too late": {[]string{brief}, 4500 * time.Millisecond, []delivery.Outcome{"delivered", "delivered"}, 2, 2},
		"idle for long":   {[]string{ok}, 91 * time.Second, []delivery.Outcome{"delivered", "delivered"}, 2, 2},
		"old": {[]string{ok}, 70 * time.Second, []delivery.Outcome{
			"delivered", "delivered", "delivered", "delivered", "delivered", "delivered", "delivered",
		}, 2, 7},
	} {
		for way, data := range ways {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					conns, requests := 0, 0
					client := delivery.NewClient(delivery.Options{
						Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test",
						Dial: func(context.Context, string, string) (net.Conn, error) {
							conns++
							ours, theirs := net.Pipe()
							go func() {
								defer func() { _ = theirs.Close() }() // a pipe's never fails
								for r := bufio.NewReader(theirs); http1test.ReadRequest(r) > 0; {
									answer := c.answers[min(requests, len(c.answers)-1)]
									requests++
									if _, err := io.WriteString(theirs, answer); answer == "" || err != nil {
										return
									}
								}
							}()
							return ours, nil
						},
					})
					for i, want := range c.outcomes {
						a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "http://endpoint.test/"}, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
						if a.Outcome != want {
							t.Errorf("attempt %d: %s, %q, want %s", i, a.Outcome, a.Error, want)
						}
						time.Sleep(c.idle)
					}
					if conns != c.conns || requests != c.requests {
						t.Errorf("%d connections and %d requests, want %d and %d", conns, requests, c.conns, c.requests)
					}
					client.Close()
					synctest.Wait()
				})
			})
		}
	}
}
