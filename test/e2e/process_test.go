// Package e2e is proof from outside: the built binary, real sockets, signals, an external NATS and Redis.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "saumer-e2e")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "saumer")
	args := []string{"build", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "../../cmd/saumer")...)
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

const password = "correct horse"

// saumer is a process of the built binary.
type saumer struct {
	t     *testing.T
	cmd   *exec.Cmd
	api   string
	exit  chan error
	lines *lines
}

// serve starts a process and returns when it is ready. It is killed when the test ends.
func serve(t *testing.T, args ...string) *saumer {
	t.Helper()
	s := launch(t, args...)
	s.api = s.await("API")
	for deadline := time.Now().Add(30 * time.Second); ; {
		res, err := http.Get(s.api + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready after 30 s:\n%s", s.lines)
		}
	}
}

func launch(t *testing.T, args ...string) *saumer {
	t.Helper()
	s := &saumer{t: t, exit: make(chan error, 1), lines: &lines{more: make(chan struct{})}}
	s.cmd = exec.Command(binary, append([]string{"serve", "--http", "127.0.0.1:0", "--password", password, "--log-level", "warn"}, args...)...)
	s.cmd.Dir = t.TempDir()
	s.cmd.Stdout, s.cmd.Stderr = s.lines, s.lines
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.exit <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it may have ended
		if t.Failed() {
			t.Logf("saumer said:\n%s", s.lines)
		}
	})
	return s
}

// await returns the first word after a label of what is printed at the start.
func (s *saumer) await(label string) string {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		more := s.lines.signal()
		for line := range strings.Lines(s.lines.String()) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), label); ok && len(strings.Fields(rest)) > 0 {
				return strings.Fields(rest)[0]
			}
		}
		select {
		case <-more:
		case err := <-s.exit:
			s.t.Fatalf("saumer ended: %v\n%s", err, s.lines)
		case <-deadline:
			s.t.Fatalf("no line %q:\n%s", label, s.lines)
		}
	}
}

// stop ends the process gracefully.
func (s *saumer) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.exit:
		if err != nil {
			s.t.Errorf("stopped with %v", err)
		}
	case <-time.After(60 * time.Second):
		s.t.Error("not stopped after a minute")
	}
}

// kill ends the process at once.
func (s *saumer) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.exit
}

// call calls a function of the web service; it fails the test if the answer is an error.
func (s *saumer) call(function string, parameters map[string]string, result any) {
	s.t.Helper()
	code, message, raw := s.ask(function, password, parameters)
	if code != 0 {
		s.t.Fatalf("%s: error %d: %s", function, code, message)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(raw, result); err != nil {
		s.t.Fatalf("%s: %v in %s", function, err, raw)
	}
}

func (s *saumer) ask(function, password string, parameters map[string]string) (code int, message string, result []byte) {
	s.t.Helper()
	form := url.Values{"username": {"demo"}, "password": {password}}
	for name, value := range parameters {
		form.Set(name, value)
	}
	res, err := http.PostForm(s.api+"/webservice/webservice/json/"+function, form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Error   int             `json:"error"`
		Message string          `json:"message"`
		Result  json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: status %s, %v", function, res.Status, err)
	}
	return answer.Error, answer.Message, answer.Result
}

// webhook is what GetWebHooks says of one.
type webhook struct {
	ID       uint64 `json:"id"`
	Active   int    `json:"active"`
	State    string `json:"state"`
	Lag      int    `json:"lag"`
	Buffered int    `json:"buffered"`
	Secret   string `json:"secret"`
}

func (s *saumer) create(target string) webhook {
	s.t.Helper()
	var w webhook
	s.call("CreateWebHook", map[string]string{"app": "e2e", "event": "optin_finalized", "url": target}, &w)
	return w
}

// until waits until a webhook is as wanted.
func (s *saumer) until(id uint64, what string, wanted func(webhook) bool) webhook {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		var all []webhook
		s.call("GetWebHooks", nil, &all)
		i := slices.IndexFunc(all, func(w webhook) bool { return w.ID == id })
		if i >= 0 && wanted(all[i]) {
			return all[i]
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("webhook %d is not %s after a minute: %+v", id, what, all)
		}
	}
}

// publish publishes events with the bodies [from, to) and the number as id, over HTTP; each is tried until it is
// stored, as a publisher would that wants none lost.
func (s *saumer) publish(from, to int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		for deadline := time.Now().Add(30 * time.Second); ; {
			err := s.publishOne(i)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				s.t.Errorf("publish %d: %v", i, err)
				return
			}
		}
	}
}

func (s *saumer) publishOne(i int) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.api+"/v1/events/optin_finalized", strings.NewReader(fmt.Sprint(i)))
	if err != nil {
		return err
	}
	req.SetBasicAuth("demo", password)
	req.Header.Set("Idempotency-Key", fmt.Sprint(i))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body) // for the message alone
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s: %s", res.Status, body)
	}
	return nil
}

// lines collects what a process prints.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) signal() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.more
}

// natsServer is an external NATS that can be restarted on its port and its store.
type natsServer struct {
	t      *testing.T
	dir    string
	port   int
	server *server.Server
}

func startNATS(t *testing.T) *natsServer {
	t.Helper()
	n := &natsServer{t: t, dir: t.TempDir(), port: server.RANDOM_PORT}
	n.start()
	t.Cleanup(n.stop)
	return n
}

func (n *natsServer) start() {
	n.t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: n.port, JetStream: true, StoreDir: n.dir, NoSigs: true, NoLog: true})
	if err != nil {
		n.t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		n.t.Fatal("the NATS server is not ready")
	}
	n.server, n.port = s, s.Addr().(*net.TCPAddr).Port
}

func (n *natsServer) stop() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

func (n *natsServer) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.port) }

// redisServer is a redis-server process that keeps nothing.
type redisServer struct {
	t    *testing.T
	port string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no redis-server, which CI needs")
		}
		t.Skip("THERE IS NO redis-server: external services are not tested")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := &redisServer{t: t, port: port}
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", "--port", r.port, "--bind", "127.0.0.1", "--save", "")
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		if strings.Contains(scanner.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
			return
		}
	}
	r.t.Fatal("redis-server is not ready")
}

func (r *redisServer) kill() {
	_ = r.cmd.Process.Kill() // it may have ended
	_ = r.cmd.Wait()         // it was killed, and says so
}

func (r *redisServer) url() string { return "redis://127.0.0.1:" + r.port }
