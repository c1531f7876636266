// Package security is what strangers and other accounts try, played against the built binary.
package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saumer/saumer/test/process"
)

var binary, natsBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "saumer-security")
	if err == nil {
		binary, err = process.Build(dir)
	}
	if err == nil {
		natsBinary, err = process.BuildNATS(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir) // what is left is in the directory for temporary files
	os.Exit(code)
}

// client asks processes.
var client = &http.Client{Timeout: 20 * time.Second}

// saumer is a process of the built binary, for one test. The account demo, which every process has, is its operator.
type saumer struct {
	*process.Saumer
	t *testing.T
}

// serve starts a process and returns when it is ready. It is killed when the test ends.
func serve(t *testing.T, args ...string) *saumer {
	t.Helper()
	s, err := process.Start(binary, t.TempDir(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("saumer said:\n%s", s.Output())
		}
	})
	return &saumer{s, t}
}

// ask asks the REST API as an account, and returns the status and the body of the answer.
func (s *saumer) ask(account, password, method, path string, in any) (int, []byte) {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.API+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth(account, password)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, text
}

// must is ask for what has to work. It reads the answer into out, if that is not nil.
func (s *saumer) must(account, password, method, path string, in, out any) {
	s.t.Helper()
	status, text := s.ask(account, password, method, path, in)
	if status/100 != 2 {
		s.t.Fatalf("%s %s as %s: %d %s", method, path, account, status, text)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		s.t.Fatalf("%s %s as %s: %v in %s", method, path, account, err, text)
	}
}

// until waits until something holds.
func (s *saumer) until(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it is not %s after a minute", what)
		}
	}
}

// endpoint is a receiver that takes everything, unless it is told to answer otherwise.
type endpoint struct {
	t      *testing.T
	url    string
	status atomic.Int32 // 0: 200
	mu     sync.Mutex
	got    []string // bodies
	more   chan struct{}
}

func receive(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{t: t, more: make(chan struct{}, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender went away
		}
		if status := e.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		e.mu.Lock()
		e.got = append(e.got, string(body))
		e.mu.Unlock()
		select {
		case e.more <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(server.Close)
	e.url = server.URL + "/"
	return e
}

func (e *endpoint) bodies() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

// await waits until a body has come.
func (e *endpoint) await(body string) {
	e.t.Helper()
	late := time.After(time.Minute)
	for !slices.Contains(e.bodies(), body) {
		select {
		case <-e.more:
		case <-late:
			e.t.Fatalf("%s did not come in a minute; there came %q", body, e.bodies())
		}
	}
}
