package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/saumer/saumer/test/process"
)

func TestSIGHUPTakesInWhatCanChange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "saumer.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("limit-webhooks: 7\ntimeout: 5s\n")
	s := serve(t, alone(t.TempDir(), "--config", path)...)
	if got := s.limit("webhooks"); got != 7 {
		t.Fatalf("%d webhooks of the file", got)
	}

	write("limit-webhooks: 8\ntimeout: 6s\n")
	s.hangUp(`"settings":["timeout"]`)
	if got := s.limit("webhooks"); got != 8 {
		t.Errorf("%d webhooks of the file that changed", got)
	}
	write("limit-webhooks: 9\nlimit-everything: 1\n")
	s.hangUp("limit-everything")
	write("limit-webhooks: 0\n")
	s.hangUp("--limit-webhooks 0 is less than 1")
	if got := s.limit("webhooks"); got != 8 {
		t.Errorf("%d webhooks after files that were refused", got)
	}
	s.stop()
}

// hangUp sends SIGHUP and waits until the process says something.
func (s *saumer) hangUp(says string) {
	s.t.Helper()
	if err := syscall.Kill(s.PID(), syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.Output(), says); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it did not say %s", says)
		}
	}
}

// limit is what the account may have of a kind.
func (s *saumer) limit(kind string) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.API+"/v1/limits", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("demo", process.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // only read from
	var answer struct {
		Limits []struct {
			Name  string
			Limit int
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	for _, l := range answer.Limits {
		if l.Name == kind {
			return l.Limit
		}
	}
	s.t.Fatalf("no limit %s in %+v", kind, answer)
	return 0
}
