//go:build unix

package delivery_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// The three post the same 500 bytes to the same receiver from 64 goroutines: the client with all that an attempt needs,
// net/http with nothing around it, and bare sockets, which are the limit.

// cpu reports what the process used of the processors until it is called, as ns a post: receivers included, but of
// other programs on the machine hardly disturbed.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

func BenchmarkClient(b *testing.B) {
	c := newClient(b)
	target := delivery.Target{Key: "demo.7", ID: "7", URL: "http://" + http1test.Listen(b, http1test.Accept) + "/hook?from=demo", Secrets: [][]byte{key}}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	b.SetParallelism(32)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		for seq := uint64(1); pb.Next(); seq++ {
			a := c.Do(ctx, target, delivery.Request{Event: "optin_finalized", ID: strconv.FormatUint(seq, 10), Seq: seq, Data: event, Number: 1})
			if a.Outcome != delivery.Delivered {
				b.Error(a.Outcome, a.Error)
				return
			}
		}
	})
}

func BenchmarkNetHTTP(b *testing.B) {
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	url := "http://" + http1test.Listen(b, http1test.Accept) + "/hook?from=demo"
	b.ReportAllocs()
	b.SetParallelism(32)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			res, err := client.Post(url, "application/json", bytes.NewReader(event))
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, res.Body)
			if cerr := res.Body.Close(); err != nil || cerr != nil || res.StatusCode != http.StatusOK {
				b.Error(err, cerr, res.Status)
				return
			}
		}
	})
}

func BenchmarkSocket(b *testing.B) {
	addr := http1test.Listen(b, http1test.Accept)
	request := []byte("POST /hook?from=demo HTTP/1.1\r\nHost: " + addr + "\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + string(event))
	b.ReportAllocs()
	b.SetParallelism(32)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = c.Close() }() // nothing is under way
		answer := make([]byte, len(http1test.Accepting))
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if _, err := io.ReadFull(c, answer); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkRelay is what the client costs where net/http makes the requests: over HTTP/2, and with large bodies.
func BenchmarkRelay(b *testing.B) {
	ca := http1test.NewAuthority(b)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the client says what came
	}))
	server.TLS, server.EnableHTTP2 = &tls.Config{Certificates: []tls.Certificate{ca.Issue(b, nil)}}, true
	server.StartTLS()
	defer server.Close()
	for name, c := range map[string]struct {
		url  string
		data []byte
	}{
		"HTTP2": {server.URL, event},
		"large": {"http://" + http1test.Listen(b, http1test.Accept), ways["net/http"]},
	} {
		b.Run(name, func(b *testing.B) {
			client := newTrusting(b, ca)
			b.ReportAllocs()
			b.SetParallelism(32)
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					a := client.Do(b.Context(), delivery.Target{ID: "7", URL: c.url, Secrets: [][]byte{key}}, delivery.Request{Event: "e", ID: "1", Data: c.data, Number: 1})
					if a.Outcome != delivery.Delivered {
						b.Error(a.Outcome, a.Error)
						return
					}
				}
			})
		})
	}
}
