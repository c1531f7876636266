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
	"time"
)

// Redis is a redis-server process that keeps nothing by itself.
type Redis struct {
	Port int
	// Dir is where it looks for a snapshot, and leaves one that it is told to.
	Dir string
	// TLS are arguments that have it speak TLS only; none: it speaks without.
	TLS []string
	// Cluster has it be a cluster of one node.
	Cluster bool

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
	ports := []string{"--port", fmt.Sprint(r.Port)}
	if len(r.TLS) > 0 {
		ports = append([]string{"--port", "0", "--tls-port", fmt.Sprint(r.Port)}, r.TLS...)
	}
	if r.Cluster {
		ports = append(ports, "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(r.Port+16_000))
	}
	r.cmd = command("redis-server", append(ports, "--bind", "127.0.0.1", "--save", "", "--dir", r.Dir, "--repl-diskless-sync-delay", "0")...)
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
			return r.join()
		}
	}
	return errors.Join(errors.New("redis-server ended before it was ready"), r.cmd.Wait())
}

// join has a cluster's only node take all slots, and waits until it answers for them.
func (r *Redis) join() error {
	if !r.Cluster {
		return nil
	}
	ask := func(args ...string) string {
		out, err := command("redis-cli", append([]string{"-p", fmt.Sprint(r.Port)}, args...)...).CombinedOutput()
		return fmt.Sprint(string(out), err)
	}
	ask("cluster", "addslotsrange", "0", "16383")
	for deadline := time.Now().Add(starting); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(ask("cluster", "info"), "cluster_state:ok") {
			return nil
		}
	}
	return errors.New("the cluster of one redis-server has no slots: " + ask("cluster", "info"))
}

// Kill ends it at once, with all that it holds.
func (r *Redis) Kill() {
	_ = r.cmd.Process.Kill() // it may have ended
	_ = r.cmd.Wait()         // it was killed, and says so
}

// URL is its address for --redis-url.
func (r *Redis) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d", r.Port) }
