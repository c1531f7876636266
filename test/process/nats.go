package process

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// NATS is a nats-server process with JetStream.
type NATS struct {
	Binary, Dir string
	// Config is a file to use instead of one of the test's own; what it says of addresses is overridden. Env is added to the
	// environment.
	Config string
	Env    []string
	// Name, Port and Monitor are set by Start where they are empty.
	Name          string
	Port, Monitor int
	// Cluster has the port for the routes of others, and Routes the addresses of theirs; 0 for a single server.
	Cluster int
	Routes  []string
	// Sync is how often it has the disk write what it stores; empty for its default.
	Sync string
	// Users are the passwords of those who may log in, by name; none: everyone may do everything.
	Users map[string]string

	cmd  *exec.Cmd
	file *os.File
}

// Start starts it and returns when it takes clients; a cluster may not have its leaders yet. Kill it in any case.
func (n *NATS) Start() (err error) {
	for _, port := range []*int{&n.Port, &n.Monitor} {
		if *port == 0 {
			if *port, err = FreePort(); err != nil {
				return err
			}
		}
	}
	if n.Name == "" {
		n.Name = "nats"
	}
	path, err := n.configure()
	if err != nil {
		return err
	}
	if n.file, err = os.OpenFile(filepath.Join(n.Dir, "nats.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	args := []string{"-c", path}
	if n.Config != "" {
		args = []string{"-c", n.Config, "-a", "127.0.0.1", "-p", fmt.Sprint(n.Port), "-m", fmt.Sprint(n.Monitor)}
	}
	n.cmd = command(n.Binary, args...)
	n.cmd.Env = append(os.Environ(), n.Env...)
	n.cmd.Stdout, n.cmd.Stderr = n.file, n.file
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start nats-server: %w", err)
	}
	return n.awaitReady()
}

// configure writes the configuration, and returns where it is.
func (n *NATS) configure() (path string, err error) {
	config := fmt.Sprintf("server_name: %s\nlisten: 127.0.0.1:%d\nhttp: 127.0.0.1:%d\n", n.Name, n.Port, n.Monitor)
	config += fmt.Sprintf("jetstream { store_dir: %q", n.Dir)
	if n.Sync != "" {
		config += ", sync_interval: " + n.Sync
	}
	config += " }\n"
	if n.Cluster != 0 {
		// What servers tell each other of addresses leads nowhere, so that all goes through the routes that are given.
		config += fmt.Sprintf("cluster { name: test, listen: 127.0.0.1:%d, advertise: \"127.0.0.1:1\", no_advertise: true, pool_size: -1, routes: [%s] }\n",
			n.Cluster, strings.Join(n.Routes, ", "))
	}
	if len(n.Users) > 0 {
		var users []string
		for _, name := range slices.Sorted(maps.Keys(n.Users)) {
			users = append(users, fmt.Sprintf("{ user: %q, password: %q }", name, n.Users[name]))
		}
		config += fmt.Sprintf("authorization { users: [%s] }\n", strings.Join(users, ", "))
	}
	path = filepath.Join(n.Dir, "nats.conf")
	return path, os.WriteFile(path, []byte(config), 0o600)
}

// Reload has it read its configuration again, as the fields say it.
func (n *NATS) Reload() error {
	if _, err := n.configure(); err != nil {
		return err
	}
	return n.Signal(syscall.SIGHUP)
}

// Healthy says whether it has caught up with all streams and consumers that it has a part of.
func (n *NATS) Healthy() bool {
	res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", n.Monitor))
	if err != nil {
		return false
	}
	_ = res.Body.Close() // only its status counts
	return res.StatusCode == http.StatusOK
}

// Store is the directory of a stream; it may be in any of the accounts.
func (n *NATS) Store(stream string) (string, error) { return Store(n.Dir, stream) }

// Store is the directory of a stream below that of a NATS; it may be in any of the accounts.
func Store(dir, stream string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", stream))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d stores of the stream %s in %s", len(found), stream, dir)
	}
	return found[0], nil
}

func (n *NATS) awaitReady() error {
	for deadline := time.Now().Add(starting); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz?js-enabled-only=true", n.Monitor))
		if err != nil {
			continue
		}
		_ = res.Body.Close() // only its status counts
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("nats-server in %s is not ready after %v", n.Dir, starting)
}

// Signal sends a signal; it fails if the process has ended.
func (n *NATS) Signal(sig syscall.Signal) error { return n.cmd.Process.Signal(sig) }

// Stop ends it gracefully.
func (n *NATS) Stop() {
	_ = n.Signal(syscall.SIGTERM) // it may have ended
	n.wait()
}

// Kill ends it at once.
func (n *NATS) Kill() {
	_ = n.Signal(syscall.SIGKILL) // it may have ended
	n.wait()
}

func (n *NATS) wait() {
	_ = n.cmd.Wait() // it ended by a signal, and says so
	_ = n.file.Close()
}

// URL is its address for clients.
func (n *NATS) URL() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.Port) }
