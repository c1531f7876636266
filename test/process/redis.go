package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Redis is a redis-server process that keeps nothing by itself.
type Redis struct {
	Port int
	// Dir is where it looks for a snapshot, and leaves one that it is told to.
	Dir string

	cmd *exec.Cmd
}

// NeedRedis ends a test that needs a redis-server where there is none: as a failure in CI.
func NeedRedis(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("there is no redis-server, which CI needs")
	}
	t.Skip("THERE IS NO redis-server: external services are not tested")
}

// Start starts it and returns when it is ready. Kill it in any case.
func (r *Redis) Start() error {
	if r.Port == 0 {
		port, err := FreePort()
		if err != nil {
			return err
		}
		r.Port = port
	}
	r.cmd = command("redis-server", "--port", fmt.Sprint(r.Port), "--bind", "127.0.0.1", "--save", "", "--dir", r.Dir, "--repl-diskless-sync-delay", "0")
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		if strings.Contains(scanner.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
			return nil
		}
	}
	return errors.Join(errors.New("redis-server ended before it was ready"), r.cmd.Wait())
}

// Kill ends it at once, with all that it holds.
func (r *Redis) Kill() {
	_ = r.cmd.Process.Kill() // it may have ended
	_ = r.cmd.Wait()         // it was killed, and says so
}

// URL is its address for --redis-url.
func (r *Redis) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d", r.Port) }
