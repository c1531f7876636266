package e2e

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/test/process"
)

// promptly is how soon everything is answered while NATS is not there: far below the 30 s of a request, and above what a busy
// machine adds to two seconds and a half.
const promptly = 12 * time.Second

// bodies are what the functions of the API need that take a body, by method and path.
var bodies = map[string]string{
	"POST /v1/webhooks":                 `{"app": "test", "event": "optin_finalized", "url": "http://127.0.0.1:1/"}`,
	"PATCH /v1/webhooks/{id}":           `{"app": "other"}`,
	"POST /v1/webhooks/{id}/redeliver":  `{"event": "1"}`,
	"POST /v1/webhooks/{id}/replay":     `{"from": "2020-01-01T00:00:00Z", "to": "2040-01-01T00:00:00Z"}`,
	"POST /v1/events/{event}":           `{"a": 1}`,
	"POST /v1/accounts":                 `{"name": "new", "password": "correct horse battery"}`,
	"PATCH /v1/accounts/{name}":         `{"email": "anna@example.org"}`,
	"POST /v1/accounts/{name}/password": `{"password": "correct horse battery"}`,
	"PATCH /v1/accounts/{name}/limits":  `{"webhooks": 5}`,
	"POST /v1/accounts/{name}/keys":     `{"label": "of the test", "right": "all"}`,
}

// answers asks for every function at once, and says of each that does not answer in time, or that its fault is ours.
func (s *saumer) answers(when string, meanwhile func()) {
	s.t.Helper()
	names := strings.NewReplacer("{id}", "1", "{event}", "optin_finalized", "{name}", "demo", "{position}", "1", "{key}", "none")
	var asked sync.WaitGroup
	for _, f := range api.Functions() {
		asked.Go(func() {
			at := f.Method + " " + f.Path
			path := names.Replace(f.Path)
			if strings.HasSuffix(path, "/why") {
				path += "?event=1"
			}
			req, err := http.NewRequestWithContext(s.t.Context(), f.Method, s.API+path, bytes.NewBufferString(bodies[at]))
			if err != nil {
				s.t.Error(err)
				return
			}
			req.SetBasicAuth("demo", process.Password)
			began := time.Now()
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				s.t.Errorf("%s: %s: %v", when, at, err)
				return
			}
			text, err := io.ReadAll(res.Body)
			_ = res.Body.Close() // it has been read
			if took := time.Since(began); took > promptly {
				s.t.Errorf("%s: %s was answered after %v", when, at, took)
			}
			// What needs no NATS may be done.
			if err != nil || res.StatusCode != http.StatusServiceUnavailable && res.StatusCode >= http.StatusInternalServerError {
				s.t.Errorf("%s: %s was answered %s %s, %v", when, at, res.Status, text, err)
			}
		})
	}
	meanwhile()
	asked.Wait()
}

// A NATS that hangs while its connections stand, and one that goes away under the requests: each is answered soon, as what it is.
func TestRequestsWhileNATSIsSilent(t *testing.T) {
	t.Parallel()
	n, r := startNATS(t), receive(t)
	s := serve(t, "--nats-url", n.URL(), "--data", t.TempDir(), "--allow-cidrs", "127.0.0.0/8")
	s.create(r.url())
	s.publish(0, 1)
	r.await(1)
	signal := func(sig syscall.Signal) {
		t.Helper()
		if err := n.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	s.answers("while NATS hangs", func() {})
	s.answers("while NATS hangs and goes away", n.Kill)
	s.answers("while NATS is away", func() {})
	n.start()
	deadline := time.Now().Add(time.Minute)
	for ready := false; !ready; {
		var err error
		if ready, err = s.Readiness(); time.Now().After(deadline) {
			t.Fatalf("the process is not ready again: %v", err)
		}
	}
}
