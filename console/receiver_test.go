package console

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The code beside the secret takes what is signed as Saumer signs, and refuses what is not, is forged, or is old.
func TestReceiversVerifySignatures(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body := []byte(`{"b":1.00, "a":"<&>"}`)
	signBy := func(secret string, at time.Time) string {
		reference, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := reference.Sign("order%2E7", at, body)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	sign := func(at time.Time) string { return signBy(secret, at) }
	now := time.Now()
	for _, r := range receivers {
		t.Run(r.Language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, r.Run)
			if err := os.WriteFile(path, []byte(r.Code), 0o600); err != nil {
				t.Fatal(err)
			}
			if r.Language == "Shell" {
				verifyByShell(t, dir, path, secret, now, body, sign(now))
				return
			}
			url := serveReceiver(t, path, secret)
			for name, c := range map[string]struct {
				at        time.Time
				body      []byte
				signature string
				want      int
			}{
				"signed":            {now, body, sign(now), 204},
				"of two secrets":    {now, body, "v1,AAAA " + sign(now), 204},
				"forged":            {now, []byte(`{"b":2}`), sign(now), 401},
				"not signed":        {now, body, "", 401},
				"old":               {now.Add(-time.Hour), body, sign(now.Add(-time.Hour)), 401},
				"of another secret": {now, body, signBy("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", now), 401},
			} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("webhook-id", "order%2E7")
				request.Header.Set("webhook-timestamp", strconv.FormatInt(c.at.Unix(), 10))
				request.Header.Set("webhook-signature", c.signature)
				res, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close() // only the status counts
				if res.StatusCode != c.want {
					t.Errorf("%s: %d, want %d", name, res.StatusCode, c.want)
				}
			}
		})
	}
}

func verifyByShell(t *testing.T, dir, path, secret string, at time.Time, body []byte, signature string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("SKIPPED: there is no openssl on this machine")
	}
	for kept, right := range map[string]bool{string(body): true, `{"b":2}`: false} {
		if err := os.WriteFile(filepath.Join(dir, "body.json"), []byte(kept), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", path)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "ID=order%2E7", fmt.Sprintf("TIMESTAMP=%d", at.Unix()), "SIGNATURE=v1,AAAA "+signature)
		if out, err := cmd.CombinedOutput(); (err == nil) != right {
			t.Errorf("%s: %v: %s", kept, err, out)
		}
	}
}

// serveReceiver runs a receiver until the test ends, and returns its URL once it answers.
func serveReceiver(t *testing.T, path, secret string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	run := map[string][]string{".php": {"php", "-S", address}, ".py": {"python3"}, ".mjs": {"node"}, ".go": {"go", "run"}}[filepath.Ext(path)]
	if _, err := exec.LookPath(run[0]); err != nil {
		t.Skipf("SKIPPED: there is no %s on this machine", run[0])
	}
	if run[0] == "go" { // go run would leave its program behind
		built := filepath.Join(filepath.Dir(path), "receive")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", built, path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		run, path = []string{built}, ""
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, run[0], append(append([]string{}, run[1:]...), path)...)
	_, port, _ := net.SplitHostPort(address) // it is one
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "PORT="+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close() // it answers
			return "http://" + address + "/"
		}
	}
	t.Fatalf("%s does not listen", path)
	return ""
}
