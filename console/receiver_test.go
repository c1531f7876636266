package console

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
				if got := post(t, url, c.at, c.body, c.signature); got != c.want {
					t.Errorf("%s: %d, want %d", name, got, c.want)
				}
			}
		})
	}
}

// post sends what may be signed, and returns the status of the answer.
func post(t *testing.T, url string, at time.Time, body []byte, signature string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("webhook-id", "order%2E7")
	request.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	request.Header.Set("webhook-signature", signature)
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // only the status counts
	return res.StatusCode
}

// emptyKey signs as whoever guesses that a receiver has no secret.
func emptyKey(at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, nil)
	_, _ = fmt.Fprintf(mac, "order%%2E7.%d.%s", at.Unix(), body) // a hash takes all
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Without a secret a receiver says so and ends, or answers nothing but an error: it never verifies with the empty key.
func TestReceiversNeedASecret(t *testing.T) {
	t.Parallel()
	for _, r := range receivers {
		t.Run(r.Language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, r.Run)
			if err := os.WriteFile(path, []byte(r.Code), 0o600); err != nil {
				t.Fatal(err)
			}
			if r.Language == "PHP" { // its server runs the file for each request
				at, body := time.Now(), []byte("{}")
				url := serveReceiver(t, path, "")
				if got := post(t, url, at, body, emptyKey(at, body)); got != http.StatusInternalServerError {
					t.Errorf("what is signed with the empty key is answered with %d, want 500", got)
				}
				return
			}
			run := []string{"sh", path}
			if r.Language != "Shell" {
				run = receiverCommand(t, path, "")
			}
			for name, secret := range map[string][]string{"empty": {"WEBHOOK_SECRET="}, "a prefix": {"WEBHOOK_SECRET=whsec_"}, "unset": nil} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, run[0], run[1:]...)
				cmd.Env = append(os.Environ(), append(secret, "PORT=0", "SIGNATURE=v1,")...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || !exit.Exited() || !strings.Contains(string(out), "set WEBHOOK_SECRET") || strings.Contains(string(out), "Traceback") {
					t.Errorf("%s: %v: %s", name, err, out)
				}
			}
		})
	}
}

// A sender that breaks off in its body ends no receiver.
func TestReceiversOutliveWhoBreaksOff(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, r := range receivers {
		if r.Language == "Shell" {
			continue
		}
		t.Run(r.Language, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), r.Run)
			if err := os.WriteFile(path, []byte(r.Code), 0o600); err != nil {
				t.Fatal(err)
			}
			url := serveReceiver(t, path, secret)
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
			if err == nil {
				err = conn.(*net.TCPConn).CloseWrite()
			}
			if err != nil {
				t.Fatal(err)
			}
			// The connection ends when the receiver has seen that, whatever it answers.
			_, _ = io.Copy(io.Discard, conn) // a reset is an end too
			_ = conn.Close()                 // as above
			if got := post(t, url, time.Now(), []byte("{}"), ""); got != http.StatusUnauthorized {
				t.Errorf("answered with %d afterwards, want 401", got)
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

// receiverCommand is the command that runs a receiver; for PHP, whose server is given it, at an address.
func receiverCommand(t *testing.T, path, address string) []string {
	t.Helper()
	run := map[string][]string{".php": {"php", "-S", address}, ".py": {"python3"}, ".mjs": {"node"}, ".go": {"go"}}[filepath.Ext(path)]
	if _, err := exec.LookPath(run[0]); err != nil {
		t.Skipf("SKIPPED: there is no %s on this machine", run[0])
	}
	if run[0] == "go" { // go run would leave its program behind
		built := filepath.Join(filepath.Dir(path), "receive")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", built, path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return []string{built}
	}
	return append(run, path)
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
	run := receiverCommand(t, path, address)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, run[0], run[1:]...)
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
