package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/saumer/saumer/test/process"
)

// cli runs a command of the built binary against a process, and returns what it printed and its exit code.
func (s *saumer) cli(args ...string) (out string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, binary, args...)
	command.Env = append(os.Environ(), "SAUMER_URL="+s.API, "SAUMER_PASSWORD="+process.Password)
	text, err := command.CombinedOutput()
	if command.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(text), command.ProcessState.ExitCode()
}

// must is cli for what has to be done.
func (s *saumer) must(args ...string) string {
	s.t.Helper()
	out, code := s.cli(args...)
	if code != 0 {
		s.t.Fatalf("saumer %s: exit code %d: %s", strings.Join(args, " "), code, out)
	}
	return out
}

// A webhook's life on the command line.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	s := serve(t, "--nats-listen", "127.0.0.1:0")
	received := receive(t)
	out := s.must("webhook", "create", received.url(), "--event", "optin_finalized", "--app", "shop", "--json")
	var made struct {
		ID     uint64
		Secret string
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.ID == 0 || !strings.HasPrefix(made.Secret, "whsec_") {
		t.Fatal(out, err)
	}
	s.publish(0, 1)
	received.await(1)
	for deadline := time.Now().Add(time.Minute); ; {
		out := s.must("attempts", "1", "--json")
		var log []struct{ Outcome, ID string }
		if err := json.Unmarshal([]byte(out), &log); err != nil {
			t.Fatal(out, err)
		}
		if len(log) == 1 && log[0].Outcome == "delivered" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the attempts are %s", out)
		}
	}
	for _, c := range []struct {
		args string
		want string
		code int
	}{
		{"webhook list", "shop", 0},
		{"webhook get 1", "optin_finalized", 0},
		{"webhook why 1 0", "delivered", 0},
		{"webhook redeliver 1 0", "sequence", 0},
		{"webhook update 1 --timeout 5s", "5s", 0},
		{"webhook probe 1", "reachable", 0},
		{"webhook test 1", "delivered", 0},
		{"webhook pause 1", "inactive", 0},
		{"webhook pause 1", "inactive already (status 409", 1},
		{"webhook resume 1 --replay", "replay  ", 0},
		{"webhook replay 1 --from 1h", "events", 0},
		{"webhook secret 1", "whsec_", 0},
		{"notices", "KIND", 0},
		{"account list", "demo", 0},
		{"account audit demo", "PauseWebHook", 0},
		{"key add machine --right read-only --expires 5d", "made the key", 0},
		{"key list", "read-only", 0},
		{"webhook delete 1", "deleted", 0},
		{"webhook get 1", "webhook not found", 3},
		{"webhook list --password wrong", "refuses", 4},
		{"--version", "saumer ", 0},
	} {
		if out, code := s.cli(strings.Fields(c.args)...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("saumer %s: exit code %d, want %d and %q: %s", c.args, code, c.code, c.want, out)
		}
	}
	complete := exec.CommandContext(t.Context(), binary)
	complete.Env = append(os.Environ(), "COMP_LINE=saumer webhook act", "COMP_POINT=18")
	if out, err := complete.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "activate" {
		t.Errorf("completed to %q, %v", out, err)
	}
}

// A receiver that makes its webhook gets events, verifies them, and takes the webhook away at its end.
func TestListenCreates(t *testing.T) {
	t.Parallel()
	s := serve(t, "--nats-listen", "127.0.0.1:0")
	listen := exec.CommandContext(t.Context(), binary, "listen", "--addr", "127.0.0.1:0", "--create", "optin_finalized")
	listen.Env = append(os.Environ(), "SAUMER_URL="+s.API, "SAUMER_PASSWORD="+process.Password)
	read, err := listen.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(read)
	verified := false
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.Contains(line, "receiving on"):
			s.publish(0, 1)
		case strings.Contains(line, "signature verified"):
			verified = true
			if err := listen.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
		}
	}
	if err := listen.Wait(); err != nil || !verified {
		t.Errorf("ended with %v, verified: %v", err, verified)
	}
	if all, err := s.Webhooks(); err != nil || len(all) != 0 {
		t.Errorf("left are %+v, %v", all, err)
	}
}
