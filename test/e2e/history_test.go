package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/test/process"
)

// What is erased while it waits is passed over, and those around it arrive.
func TestErasedIsPassedOver(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, alone(t.TempDir(), "--backoff-initial", "50ms", "--backoff-max", "300ms")...)
	w := s.create(r.url())
	r.set(http.StatusServiceUnavailable, 0)
	s.publish(0, 3)
	s.until(w.ID, "waiting", func(w process.Webhook) bool { return w.Lag == 3 })
	s.must("event", "erase", "1", "--yes")
	if out, code := s.cli("event", "get", "1"); code != 3 || !strings.Contains(out, "erased") {
		t.Errorf("the event: %d %s", code, out)
	}
	r.set(http.StatusOK, 0)
	s.until(w.ID, "live", func(w process.Webhook) bool { return w.State == "live" && w.Lag == 0 })
	s.publish(3, 4)
	r.await(3)
	if missing := r.missing(4); missing != "[1]" {
		t.Errorf("missing are %s, want only what was erased", missing)
	}
	if out := s.must("webhook", "why", "1", "1"); !strings.Contains(out, "erased") {
		t.Errorf("why says %s", out)
	}
	if out := s.must("event", "list", "--from", "1h"); strings.Count(out, "optin_finalized") != 3 {
		t.Errorf("listed are %s", out)
	}
}

// An event for an account that there is not is rejected, and an operator sees it with the reason.
func TestNobodysEventIsRejected(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	r := receive(t)
	s := serve(t, "--nats-url", n.URL(), "--data", t.TempDir(), "--allow-cidrs", "127.0.0.0/8")
	s.create(r.url())
	nc, err := process.Connect(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"events.nobody.optin_finalized", "events.demo.optout_finalized", "events.demo.optin_finalized"} {
		if _, err := js.Publish(t.Context(), subject, []byte("0")); err != nil {
			t.Fatal(err)
		}
	}
	r.await(1)
	for deadline := time.Now().Add(time.Minute); ; {
		out := s.must("event", "rejected")
		if strings.Contains(out, "events.nobody.optin_finalized") && strings.Contains(out, "there is no account of this name") && strings.Count(out, "\n") == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("rejected are %s", out)
		}
	}
}

// A folder and lines are published with the command, byte for byte.
func TestManyArePublished(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, alone(t.TempDir())...)
	s.create(r.url())
	dir := t.TempDir()
	for i := range 5 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+".json"), []byte(strconv.Itoa(i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := s.must("event", "publish", "optin_finalized", dir); strings.Count(out, "published optin_finalized id saumer-") != 5 {
		t.Errorf("published are %s", out)
	}
	lines := filepath.Join(dir, "lines")
	if err := os.WriteFile(lines, []byte("{\"b\": 1.00}\n5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("event", "publish", "optin_finalized", lines, "--ndjson")
	r.await(7)
	if missing := r.missing(6); missing != "[]" {
		t.Errorf("missing are %s", missing)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.got[`{"b": 1.00}`] != 1 {
		t.Errorf("received are %v", r.got)
	}
	if out, code := s.cli("event", "publish", "nothing", "--json"); code != 1 || !strings.Contains(out, `"code":2`) {
		t.Errorf("an unknown event: %d %s", code, out)
	}
}
