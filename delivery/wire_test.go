package delivery_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// wire is what an attempt sends of a request.
func wire(t *testing.T, target delivery.Target, r delivery.Request) string {
	t.Helper()
	sent := make(chan string, 1)
	addr := http1test.Listen(t, func(c *net.TCPConn) {
		var raw bytes.Buffer
		req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw)))
		if err == nil {
			_, err = io.Copy(io.Discard, req.Body)
		}
		if err != nil {
			t.Error(err)
		}
		sent <- raw.String()
		_, _ = io.WriteString(c, http1test.Accepting) // the client says what came
	})
	client := delivery.NewClient(delivery.Options{
		Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "1.2", AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Now: func() time.Time { return time.Unix(1_762_853_249, 999_999_999) },
	})
	defer client.Close()
	target.URL = "http://" + addr + target.URL
	if a := client.Do(t.Context(), target, r); a.Outcome != delivery.Delivered {
		t.Fatalf("%s, %q", a.Outcome, a.Error)
	}
	return strings.Replace(<-sent, addr, "HOST", 1)
}

// The form of a request is a promise to endpoints; nothing but a decision may change it.
func TestRequestForm(t *testing.T) {
	t.Parallel()
	target := delivery.Target{
		ID: "7", URL: "/hook%20a/ü?a=b&c=%zz", Secrets: [][]byte{key, []byte("older")},
		Headers: map[string]string{"x-token": " t ", "Authorization": "Basic YTpi", "host": "evil", "webhook-id": "evil", "Saumer-x": "evil", "X y": "evil", "X-Z": "a\r\nb"},
	}
	r := delivery.Request{Event: "optin_finalized", ID: "order 7", Seq: 42, Data: []byte(`{"b":1.00, "a":"<&>"}`), Number: 3, Replay: true, Hops: 2}
	const want = "POST /hook%20a/%C3%BC?a=b&c=%zz HTTP/1.1\r\n" +
		"Host: HOST\r\n" +
		"Authorization: Basic YTpi\r\n" +
		"X-Token: t\r\n" +
		"Accept: */*\r\n" +
		"Content-Type: application/json\r\n" +
		"User-Agent: Saumer/1.2\r\n" +
		"Webhook-Id: order%207\r\n" +
		"Webhook-Timestamp: 1762853249\r\n" +
		"Webhook-Signature: SIGNATURE\r\n" +
		"Saumer-Event: optin_finalized\r\n" +
		"Saumer-Webhook: 7\r\n" +
		"Saumer-Attempt: 3\r\n" +
		"Saumer-Hops: 3\r\n" +
		"Saumer-Replay: 1\r\n" +
		"Content-Length: 21\r\n" +
		"\r\n" +
		`{"b":1.00, "a":"<&>"}`
	got := wire(t, target, r)
	signature := signatures(t, got, target.Secrets, r.Data)
	if got != strings.Replace(want, "SIGNATURE", signature, 1) {
		t.Errorf("got\n%s", got)
	}

	// net/http sends the same, and no more, in an order of its own.
	large := r
	large.Data = ways["net/http"]
	other := wire(t, target, large)
	signatures(t, other, target.Secrets, large.Data)
	one, two := parse(t, got), parse(t, other)
	for _, h := range []http.Header{one.Header, two.Header} {
		h.Del("Webhook-Signature")
	}
	one.Header["Content-Length"], two.Header["Content-Length"] = nil, nil
	if !reflect.DeepEqual(one.Header, two.Header) || one.RequestURI != two.RequestURI || one.Host != two.Host || one.Proto != two.Proto {
		t.Errorf("directly %s %v %v\nnet/http %s %v %v", one.RequestURI, one.Host, one.Header, two.RequestURI, two.Host, two.Header)
	}
}

func parse(t *testing.T, raw string) *http.Request {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// signatures returns the request's, which are in the order of the secrets what Standard Webhooks' own library makes.
func signatures(t *testing.T, raw string, secrets [][]byte, data []byte) string {
	t.Helper()
	req := parse(t, raw)
	var want []string
	for _, secret := range secrets {
		w, err := webhooks.NewWebhookRaw(secret)
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.Sign(req.Header.Get("Webhook-Id"), time.Unix(1_762_853_249, 0), data)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, s)
	}
	got := req.Header.Get("Webhook-Signature")
	if got != strings.Join(want, " ") {
		t.Errorf("the signature is %q, want %q", got, want)
	}
	return got
}

// At its limits a request is sent by one way or the other, whole; and what would break its form is not sent at all.
func TestRequestLimits(t *testing.T) {
	t.Parallel()
	headers := map[string]string{}
	for i := range 20 {
		headers["X-"+string(rune('a'+i))] = strings.Repeat("v", 200)
	}
	for _, size := range []int{0, 1, 32 << 10, 32<<10 + 1, 1 << 20} {
		data := bytes.Repeat([]byte("1"), size)
		raw := wire(t, delivery.Target{ID: "7", URL: "/" + strings.Repeat("p", 2000), Headers: headers}, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
		req := parse(t, raw)
		body, err := io.ReadAll(req.Body)
		if err != nil || !bytes.Equal(body, data) || req.ContentLength != int64(size) || len(req.RequestURI) != 2001 || req.Header.Get("X-T") != headers["X-t"] {
			t.Errorf("of %d bytes came %d and the length %d, %v", size, len(body), req.ContentLength, err)
		}
	}
	requests := make(chan struct{}, 10)
	addr := http1test.Listen(t, func(c *net.TCPConn) {
		if n, _ := c.Read(make([]byte, 1)); n > 0 {
			requests <- struct{}{}
		}
	})
	client := newClient(t)
	for way, data := range ways {
		for _, r := range []delivery.Request{
			{Event: "e\r\nX: y", ID: "1", Data: data, Number: 1},
			{Event: "e\n", ID: "1", Data: data, Number: 1},
			{Event: "\x7f", ID: "1", Data: data, Number: 1},
		} {
			if a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "http://" + addr}, r); a.Outcome == delivery.Delivered || len(requests) != 0 {
				t.Errorf("the event %q by %s: %s, %d requests", r.Event, way, a.Outcome, len(requests))
			}
		}
		if a := client.Do(t.Context(), delivery.Target{ID: "7", URL: "http://" + addr + "/" + strings.Repeat("p", 2048)}, delivery.Request{Data: data}); a.Outcome != delivery.Forbidden || len(requests) != 0 {
			t.Errorf("a URL that is too long by %s: %s, %q", way, a.Outcome, a.Error)
		}
	}
}
