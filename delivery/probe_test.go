package delivery_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

// newLoopbackClient makes a client that may dial this machine.
func newLoopbackClient(t *testing.T) *delivery.Client {
	t.Helper()
	c := delivery.NewClient(delivery.Options{
		Timeout: time.Minute, ConnectTimeout: time.Minute, IdleConns: idleConns, Version: "test", AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	t.Cleanup(c.Close)
	return c
}

func TestProbe(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	c := newLoopbackClient(t)
	for _, tt := range []struct {
		url  string
		want delivery.Outcome
	}{
		{plain.URL + "/secret", delivery.Delivered},
		{secure.URL + "/secret", delivery.TLS}, // nobody trusts its certificate
		{strings.Replace(plain.URL, "http:", "https:", 1), delivery.TLS},
		{"http://" + closed + "/secret", delivery.Refused},
		{"http://10.1.2.3/secret", delivery.Forbidden},
		{"ftp://example.org", delivery.Forbidden},
	} {
		a := c.Probe(t.Context(), delivery.Target{Key: "demo.1", URL: tt.url})
		if a.Outcome != tt.want || (a.Error == "") != (tt.want == delivery.Delivered) || strings.Contains(a.Error, "secret") {
			t.Errorf("%s: %s %q, want %s", tt.url, a.Outcome, a.Error, tt.want)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if a := c.Probe(ended, delivery.Target{URL: plain.URL}); a.Outcome != delivery.Aborted {
		t.Errorf("cut off: %+v", a)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("probes sent %d requests", n)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	c := newLoopbackClient(t)
	at := time.Date(2025, 11, 11, 9, 27, 29, 0, time.UTC)
	target := delivery.Target{
		ID: "7", Secrets: [][]byte{[]byte("new"), []byte("old")}, Retire: at, Headers: map[string]string{"authorization": "Bearer 123"},
	}
	h := c.Shown(target, delivery.Request{Event: "optin_finalized", ID: "order", Number: 2, Data: []byte("{}"), Test: true}, at)
	for name, want := range map[string]string{
		"Authorization": "(hidden)", "Saumer-Test": "1", "Saumer-Attempt": "2", "Webhook-Id": "order", "Saumer-Replay": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if target.Headers["authorization"] != "Bearer 123" {
		t.Error("the target's own headers have changed")
	}
	// From Retire on only the newest secret is used, before it both are.
	if got := h.Get("Webhook-Signature"); strings.Contains(got, " ") || !strings.HasPrefix(got, "v1,") {
		t.Errorf("the signature is %q", got)
	}
	h = c.Shown(target, delivery.Request{ID: "order", Data: []byte("{}")}, at.Add(-time.Nanosecond))
	if got := h.Get("Webhook-Signature"); strings.Count(got, "v1,") != 2 {
		t.Errorf("the signature before is %q", got)
	}
}
