package delivery

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
)

func TestProbeConnectsAndAsksNothing(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	plain, secure := httptest.NewServer(count), httptest.NewTLSServer(count)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })

	options := Options{Timeout: 20 * time.Second, ConnectTimeout: 20 * time.Second, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	c := NewClient(options)
	t.Cleanup(c.Close)
	guarded := NewClient(Options{Timeout: 20 * time.Second, ConnectTimeout: 20 * time.Second})
	t.Cleanup(guarded.Close)

	for name, probe := range map[string]struct {
		client  *Client
		url     string
		want    string // of the error; empty: it is reached
		timeout time.Duration
	}{
		"plain":        {c, plain.URL + "/hook?key=secret", "", 0},
		"not trusted":  {c, secure.URL + "/hook?key=secret", "not trusted", 0},
		"no TLS":       {c, strings.Replace(plain.URL, "http:", "https:", 1) + "/?key=secret", "TLS", 0},
		"refused":      {c, "http://" + nobody + "/?key=secret", "refused", 0},
		"silent":       {c, "https://" + silent.Addr().String() + "/?key=secret", "within", 300 * time.Millisecond},
		"not allowed":  {guarded, plain.URL + "/?key=secret", "not allowed", 0},
		"no such port": {c, "http://127.0.0.1:99999/?key=secret", "port", 0},
	} {
		err := probe.client.Probe(t.Context(), Target{URL: probe.url, Timeout: probe.timeout})
		switch {
		case probe.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case probe.want != "" && (err == nil || !strings.Contains(err.Error(), probe.want) || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v, want %q", name, err, probe.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Probe(ctx, Target{URL: plain.URL}); err == nil {
		t.Error("a cut try says that the host is reached")
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("the servers got %d requests", n)
	}
}
