package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Password of the account demo, which every process that is started has.
const Password = "correct horse"

const (
	// starting bounds a start, stopping a stop.
	starting = 60 * time.Second
	stopping = 60 * time.Second
)

// Saumer is a process of the built binary.
type Saumer struct {
	// API is the address of its API, such as http://127.0.0.1:8080.
	API string

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of the exit
	out    *output
}

// client asks processes that may be stopped, or wait for something that is gone.
var client = &http.Client{Timeout: 20 * time.Second}

// Start starts a process in a directory and returns when it is ready. Env is added to the environment. Kill it in any
// case.
func Start(binary, dir string, env []string, args ...string) (*Saumer, error) {
	return StartAt(binary, dir, client, env, args...)
}

// StartAt is Start of a process that is asked whether it is ready in another way, such as with TLS.
func StartAt(binary, dir string, by *http.Client, env []string, args ...string) (*Saumer, error) {
	s := &Saumer{exited: make(chan struct{}), out: &output{more: make(chan struct{})}}
	s.cmd = command(binary, append([]string{"serve", "--http", "127.0.0.1:0", "--password", Password, "--log-level", "warn"}, args...)...)
	s.cmd.Dir, s.cmd.Env = dir, append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start saumer: %w", err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.ready(by); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

func (s *Saumer) ready(by *http.Client) (err error) {
	if s.API, err = s.Await("API"); err != nil {
		return err
	}
	for deadline := time.Now().Add(starting); time.Now().Before(deadline); {
		res, err := by.Get(s.API + "/readyz")
		if err == nil {
			_ = res.Body.Close() // only its status counts
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.exited:
			return fmt.Errorf("saumer ended: %w\n%s", s.err, s.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("saumer is not ready after %v:\n%s", starting, s.Output())
}

// Await returns the first word after a label of what is printed at the start.
func (s *Saumer) Await(label string) (string, error) {
	deadline := time.After(starting)
	for {
		more := s.out.signal()
		for line := range strings.Lines(s.Output()) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), label); ok && len(strings.Fields(rest)) > 0 {
				return strings.Fields(rest)[0], nil
			}
		}
		select {
		case <-more:
		case <-s.exited:
			return "", fmt.Errorf("saumer ended: %w\n%s", s.err, s.Output())
		case <-deadline:
			return "", fmt.Errorf("saumer printed no line %q:\n%s", label, s.Output())
		}
	}
}

// Output is what the process has printed, or the end of it.
func (s *Saumer) Output() string { return s.out.String() }

// Exited is closed when the process has ended.
func (s *Saumer) Exited() <-chan struct{} { return s.exited }

// ExitCode is the code that the process has ended with, -1 if a signal ended it. It may be asked for once it has.
func (s *Saumer) ExitCode() int { return s.cmd.ProcessState.ExitCode() }

// PID is the process's id.
func (s *Saumer) PID() int { return s.cmd.Process.Pid }

// Signal sends a signal; it fails if the process has ended.
func (s *Saumer) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// Stop ends the process gracefully; it returns what the process ended with.
func (s *Saumer) Stop() error {
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop saumer: %w", err)
	}
	select {
	case <-s.exited:
		return s.err
	case <-time.After(stopping):
		return fmt.Errorf("saumer has not stopped after %v:\n%s", stopping, s.Output())
	}
}

// Kill ends the process at once, if it has not ended.
func (s *Saumer) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.exited
}

// Refusal is an error that the web service answers.
type Refusal struct {
	Code    int
	Message string
}

func (r *Refusal) Error() string { return fmt.Sprintf("error %d: %s", r.Code, r.Message) }

// Call calls a function of the web service as the account demo; what the web service refuses is a *Refusal.
func (s *Saumer) Call(function string, parameters map[string]string, result any) error {
	return s.CallAs(Password, function, parameters, result)
}

// CallAs is Call with another password.
func (s *Saumer) CallAs(password, function string, parameters map[string]string, result any) error {
	return s.call(client, password, function, parameters, result)
}

func (s *Saumer) call(client *http.Client, password, function string, parameters map[string]string, result any) error {
	form := url.Values{"username": {"demo"}, "password": {password}}
	for name, value := range parameters {
		form.Set(name, value)
	}
	res, err := client.PostForm(s.API+"/webservice/webservice/json/"+function, form)
	if err != nil {
		return fmt.Errorf("%s: %w", function, err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	var answer struct {
		Error   int             `json:"error"`
		Message string          `json:"message"`
		Result  json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %s: %w", function, res.Status, err)
	}
	if answer.Error != 0 {
		return fmt.Errorf("%s: %w", function, &Refusal{answer.Error, answer.Message})
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("%s: %w in %s", function, err, answer.Result)
	}
	return nil
}

// Webhook is what GetWebHooks says of one.
type Webhook struct {
	ID       uint64 `json:"id"`
	Active   int    `json:"active"`
	State    string `json:"state"`
	Lag      int    `json:"lag"`
	Ordered  int    `json:"ordered"`
	Buffered int    `json:"buffered"`
	Gap      int    `json:"gap"`
	Replay   int    `json:"replay"`
	Secret   string `json:"secret"`
}

// Create creates a webhook for optin_finalized.
func (s *Saumer) Create(target string) (w Webhook, err error) {
	return w, s.Call("CreateWebHook", map[string]string{"app": "test", "event": "optin_finalized", "url": target}, &w)
}

// CreateOrdered is Create of an ordered webhook.
func (s *Saumer) CreateOrdered(target string) (w Webhook, err error) {
	return w, s.Call("CreateWebHook", map[string]string{"app": "test", "event": "optin_finalized", "url": target, "ordered": "1"}, &w)
}

// Webhooks are all webhooks of the account.
func (s *Saumer) Webhooks() (all []Webhook, err error) { return all, s.Call("GetWebHooks", nil, &all) }

// BriefWebhooks is Webhooks for who does not wait for a process that is held up.
func (s *Saumer) BriefWebhooks() (all []Webhook, err error) {
	return all, s.call(brief, Password, "GetWebHooks", nil, &all)
}

// brief asks processes that answer at once if they answer at all.
var brief = &http.Client{Timeout: 2 * time.Second}

// Readiness says whether the process takes itself for ready; an error means that it does not answer.
func (s *Saumer) Readiness() (bool, error) {
	res, err := brief.Get(s.API + "/readyz")
	if err != nil {
		return false, err
	}
	return res.StatusCode == http.StatusOK, res.Body.Close()
}

// Why is the answer to why a webhook got an event or not: a word for the reason, and a sentence.
type Why struct {
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// Why says why a webhook got the event of a sequence, or why not.
func (s *Saumer) Why(id, sequence uint64) (answer Why, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, fmt.Sprintf("%s/v1/webhooks/%d/why?event=%d", s.API, id, sequence), nil)
	if err != nil {
		return answer, err
	}
	req.SetBasicAuth("demo", Password)
	res, err := brief.Do(req)
	if err != nil {
		return answer, err
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("ask why: status %s: %w", res.Status, err)
	}
	return answer, nil
}

// Publish publishes an optin_finalized over HTTP, with an id that makes it idempotent.
func (s *Saumer) Publish(id, body string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.API+"/v1/events/optin_finalized", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("demo", Password)
	req.Header.Set("Idempotency-Key", id)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("publish %s: %s: %s", id, res.Status, text)
	}
	return nil
}

// Notice is what a person is told.
type Notice struct {
	// Sequence is the notice's own; later ones have a higher one.
	Sequence uint64 `json:"sequence"`
	Kind     string `json:"kind"`
	Webhook  uint64 `json:"webhook"`
	// Sequences are those of exhausted events.
	Sequences []uint64 `json:"sequences"`
}

// Notices are the account's notices after a sequence, newest first.
func (s *Saumer) Notices(after uint64) (all []Notice, err error) {
	for before := uint64(0); ; {
		listed, next, err := s.notices(before)
		if err != nil {
			return nil, err
		}
		for _, n := range listed {
			if n.Sequence <= after {
				return all, nil
			}
			all = append(all, n)
		}
		if next == nil {
			return all, nil
		}
		before = *next
	}
}

// notices is a page of notices, and what the next one is asked for with, nil if there is none.
func (s *Saumer) notices(before uint64) (listed []Notice, next *uint64, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.API+"/v1/notices", nil)
	if err != nil {
		return nil, nil, err
	}
	req.SetBasicAuth("demo", Password)
	if before > 0 {
		req.URL.RawQuery = url.Values{"before": {fmt.Sprint(before)}}.Encode()
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	var page struct {
		Notices []Notice `json:"notices"`
		Next    *uint64  `json:"next"`
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("read notices: status %s: %w", res.Status, err)
	}
	return page.Notices, page.Next, nil
}

// output collects what a process prints, and forgets the beginning of what is too much.
type output struct {
	mu   sync.Mutex
	text []byte
	more chan struct{}
}

// outputKept bounds what is kept of the output, in bytes.
const outputKept = 1 << 20

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	o.text = append(o.text, p...)
	if over := len(o.text) - outputKept; over > outputKept {
		o.text = append(o.text[:0], o.text[over:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

func (o *output) signal() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.more
}
