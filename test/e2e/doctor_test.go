package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// finding is one of `saumer doctor --json`.
type finding struct{ Level, About, Says, Do string }

// examine runs the doctor. Its exit code says whether there is a problem, and so must this be.
func examine(t *testing.T, args ...string) []finding {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, append([]string{"doctor", "--json"}, args...)...).Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var found []finding
	if jsonErr := json.Unmarshal(out, &found); jsonErr != nil {
		t.Fatalf("%v in %s, %v", jsonErr, out, err)
	}
	problem := false
	for _, f := range found {
		problem = problem || f.Level == "problem"
		if f.Says == "" || f.Level != "ok" && f.Do == "" {
			t.Errorf("the finding %+v does not say what to do", f)
		}
	}
	if problem != (err != nil) {
		t.Errorf("exit with %v after %+v", err, found)
	}
	return found
}

// says is whether there is a finding of a level with a text; an empty level is any.
func says(t *testing.T, found []finding, level, text string) {
	t.Helper()
	for _, f := range found {
		if strings.Contains(f.Says, text) && f.Level == level {
			return
		}
	}
	t.Errorf("no %s says %q in %+v", level, text, found)
}

func TestDoctorSaysWhatToChange(t *testing.T) {
	t.Parallel()
	n, r, data := startNATS(t), startRedis(t), t.TempDir()
	flags := []string{"--nats-url", n.URL(), "--redis-url", r.URL(), "--data", data}
	says(t, examine(t, flags...), "ok", "no stream of Saumer is there yet")
	says(t, examine(t, append(flags, "--http", "127.0.0.1:1")...), "warning", "nothing answers")

	s := serve(t, flags...)
	flags = append(flags, "--http", strings.TrimPrefix(s.API, "http://"))
	// A server as it comes takes 1 MiB, which is less than the largest event with its headers.
	for _, f := range examine(t, flags...) {
		if f.Level != "ok" && !strings.Contains(f.Do, "max_payload") {
			t.Errorf("all is well, and it says %+v", f)
		}
	}
	client := redis.NewClient(&redis.Options{Addr: strings.TrimPrefix(r.URL(), "redis://")})
	defer func() { _ = client.Close() }()
	for name, value := range map[string]string{"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"} {
		if err := client.ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(data, "secret.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	found := examine(t, flags...)
	says(t, found, "warning", "removes keys of the index")
	says(t, found, "warning", "other users of this machine may read")

	s.stop()
	n.spoil()
	found = examine(t, flags...)
	says(t, found, "warning", "nothing answers")
	says(t, found, "problem", "EVENTS has its consumer dispatch paused")
	says(t, found, "problem", "WAKES lacks its consumer runners")
	says(t, found, "problem", "the stream NOTICES is gone")

	n.Kill()
	r.Kill()
	found = examine(t, flags...)
	says(t, found, "problem", "connect to NATS")
	says(t, found, "problem", "reach Redis")
}

// spoil pauses dispatch, deletes runners, and deletes NOTICES.
func (n *natsServer) spoil() {
	n.t.Helper()
	js, end := n.jetStream()
	defer end()
	if _, err := js.PauseConsumer(n.t.Context(), "EVENTS", "dispatch", time.Now().Add(time.Hour)); err != nil {
		n.t.Fatal(err)
	}
	if err := js.DeleteConsumer(n.t.Context(), "WAKES", "runners"); err != nil {
		n.t.Fatal(err)
	}
	if err := js.DeleteStream(n.t.Context(), "NOTICES"); err != nil {
		n.t.Fatal(err)
	}
}
