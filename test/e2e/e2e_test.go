package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/test/process"
)

// alone are the flags of a process with everything embedded.
func alone(dir string, more ...string) []string {
	return append([]string{"--nats-listen", "127.0.0.1:0", "--data", dir}, more...)
}

func TestEventsSurviveStops(t *testing.T) {
	t.Parallel()
	for _, graceful := range []bool{true, false} {
		name := "SIGKILL"
		if graceful {
			name = "SIGTERM"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, r := t.TempDir(), receive(t)
			r.set(http.StatusOK, 5*time.Millisecond)
			s := serve(t, alone(dir)...)
			s.create(r.url())
			const events = 500
			s.publish(0, events)
			for round := range 3 {
				if graceful {
					s.stop()
				} else {
					s.Kill()
				}
				s = serve(t, alone(dir)...)
				s.publish(events*(round+1), events*(round+2))
			}
			twice := r.await(4 * events)
			t.Logf("%d events, %d twice", 4*events, twice)
			if graceful && twice > 0 {
				t.Errorf("%d events came twice though every stop was graceful", twice)
			}
		})
	}
}

func TestProcessesShareTheWork(t *testing.T) {
	t.Parallel()
	n, rd, r := startNATS(t), startRedis(t), receive(t)
	key := "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	start := func() *saumer {
		return serve(t, "--nats-url", n.URL(), "--redis-url", rd.URL(), "--data", t.TempDir(), "--secret-key", key, "--allow-cidrs", "127.0.0.0/8", "--timeout", "2s")
	}
	nodes := []*saumer{start(), start(), start()}
	nodes[0].create(r.url())
	const part = 200
	published := 0
	during := func(what func()) {
		t.Helper()
		var wg sync.WaitGroup
		publisher := nodes[0]
		wg.Go(func() { publisher.publish(published, published+part) })
		what()
		wg.Wait()
		published += part
	}
	during(func() {
		for i := 1; i < 3; i++ {
			nodes[i].stop()
			nodes[i] = start()
		}
	})
	if twice := r.await(published); twice > 0 {
		t.Errorf("%d events came twice in a rolling restart", twice)
	}
	during(func() { nodes[1].Kill() })
	t.Logf("a process killed: %d of %d events came twice", r.await(published), published)

	before := r.await(published)
	during(func() { rd.Kill(); rd.start() })
	if twice := r.await(published) - before; twice > 0 {
		t.Errorf("%d events came twice as Redis was lost", twice)
	}
	// A webhook that is made on one process is known to the others at once, after the loss too.
	second := receive(t)
	nodes[2].create(second.url())
	from := published
	during(func() {})
	second.await(part)
	if got := second.count(); got != part {
		t.Errorf("the second webhook got %d events, want the %d from %d on", got, part, from)
	}
	during(func() { n.Stop(); n.start() })
	t.Logf("NATS restarted: %d of %d events came twice in all", r.await(published), published)
}

func TestDeadAndHangingEndpointsDelayNoOther(t *testing.T) {
	t.Parallel()
	healthy, dead, hanging := receive(t), receive(t), receive(t)
	dead.down()
	hanging.set(http.StatusOK, time.Hour)
	s := serve(t, alone(t.TempDir(), "--timeout", "10s")...)
	for _, r := range []*receiver{healthy, dead, hanging} {
		s.create(r.url())
	}
	s.publish(0, 300)
	healthy.await(300)
	if n := hanging.count(); n != 0 {
		t.Errorf("the hanging endpoint took %d events", n)
	}
}

func TestDownDeactivatedReplayed(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, alone(t.TempDir(), "--backoff-initial", "50ms", "--backoff-max", "300ms", "--deactivate-after", "1s", "--deactivate-attempts", "3")...)
	w := s.create(r.url())
	s.publish(0, 10)
	r.await(10)
	r.down()
	s.publish(10, 20)
	s.until(w.ID, "inactive", func(w process.Webhook) bool { return w.State == "inactive" && w.Active == 0 })
	s.publish(20, 30)
	s.until(w.ID, "with 20 events buffered", func(w process.Webhook) bool { return w.Buffered == 20 })
	r.up()
	var activated process.Webhook
	s.call("ActivateWebHook", map[string]string{"webHookId": "1", "advanced[replayEvents]": "1"}, &activated)
	if activated.Replay != 20 || activated.Active != 1 {
		t.Errorf("ActivateWebHook says %+v, want 20 to replay", activated)
	}
	if twice := r.await(30); twice > 0 {
		t.Errorf("%d events came twice", twice)
	}
	if r.replay != 20 {
		t.Errorf("%d deliveries said that they are a replay, want 20", r.replay)
	}
	s.until(w.ID, "live", func(w process.Webhook) bool { return w.State == "live" && w.Lag == 0 })
	s.call("activatewebhook", map[string]string{"id": "1", "replayEvents": "1"}, &activated)
	if activated.Replay != 0 {
		t.Errorf("a second activation replays %d", activated.Replay)
	}
	s.call("DeleteWebHookById", map[string]string{"id": "1"}, nil)
	tried := r.attempts()
	s.publish(30, 40)
	second := receive(t)
	s.create(second.url())
	s.publish(40, 41)
	second.await(1) // whatever was published before has been dealt with
	if n := r.attempts(); n != tried {
		t.Errorf("%d attempts after the webhook was deleted", n-tried)
	}
}

func TestWhatIsNotJSONStopsNothing(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, alone(t.TempDir())...)
	s.create(r.url())
	nc, err := process.Connect(s.await("Publishers"), nats.UserInfo("demo", process.Password))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for subject, body := range map[string]string{
		"events.demo.optin_finalized": "{not JSON", "events.demo.no_such_event": "{}", "events.demo.a.b.c": "{}",
	} {
		if err := nc.Publish(subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := js.Publish(ctx, "events.demo.optin_finalized", []byte("0")); err != nil {
		t.Fatal(err)
	}
	r.await(1)
	var refusal *process.Refusal
	if err := s.CallAs("wrong password", "GetWebHooks", nil, nil); !errors.As(err, &refusal) || refusal.Code != 1 || refusal.Message != "login failed" {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	held := t.TempDir()
	serve(t, alone(held)...)
	for name, args := range map[string][]string{
		"--http":        {"--http", taken.Addr().String(), "--nats-listen", "127.0.0.1:0"},
		"--nats-listen": {"--http", "127.0.0.1:0", "--nats-listen", taken.Addr().String()},
		"--data":        {"--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--data", filepath.Join(file, "data")},
		"in use":        {"--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--data", held},
		"--nats-url":    {"--http", "127.0.0.1:0", "--nats-url", "nats://127.0.0.1:1"},
		"--redis-url":   {"--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--redis-url", "redis://127.0.0.1:1"},
		"--retention":   {"--http", "127.0.0.1:0", "--retention", "1h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, binary, append([]string{"serve"}, args...)...)
			cmd.Dir = t.TempDir()
			var stderr strings.Builder
			cmd.Stderr = &stderr
			err := cmd.Run()
			if err == nil || ctx.Err() != nil {
				t.Fatalf("it ended with %v", err)
			}
			text := strings.TrimSpace(stderr.String())
			if !strings.Contains(text, name) || strings.Contains(text, "goroutine") || len(strings.Split(text, "\n")) > 2 {
				t.Errorf("it says:\n%s\nwant a sentence with %s", text, name)
			}
		})
	}
}
