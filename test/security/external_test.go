package security

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/test/process"
)

// external starts a nats-server with the configuration of deploy, and a Saumer on it.
func external(t *testing.T) (*world, *process.NATS) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/nats-server.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	placed := strings.Replace(string(text), `store_dir: "data"`, "store_dir: "+strconv.Quote(dir), 1)
	config := filepath.Join(dir, "least.conf")
	if err := os.WriteFile(config, []byte(placed), 0o600); err != nil || placed == string(text) {
		t.Fatalf("the configuration names no store, or cannot be written: %v", err)
	}
	n := &process.NATS{Binary: natsBinary, Dir: dir, Config: config}
	for variable, password := range map[string]string{
		"SAUMER": "inside", "OPERATOR": "operator", "SYSTEM": "system", "DEMO": passwords["demo"], "ALP": passwords["alp"],
	} {
		n.Env = append(n.Env, variable+"_NATS_PASSWORD="+strconv.Quote(password))
	}
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	url := strings.Replace(n.URL(), "//", "//saumer:inside@", 1)
	s := serve(t, "--nats-url", url, "--data", t.TempDir(), "--allow-cidrs", "127.0.0.0/8",
		"--backoff-initial", "100ms", "--backoff-max", "300ms", "--deactivate-after", "2s", "--deactivate-attempts", "3")
	return newWorld(t, s, n.URL()), n
}

// The main job works with the rights that the configuration gives, and the attacks on the embedded NATS find nothing here.
func TestExternalNATSWithLeastPrivilege(t *testing.T) {
	t.Parallel()
	w, n := external(t)
	for name, login := range map[string]nats.Option{
		"no login": nats.Name("stranger"), "a wrong password": nats.UserInfo("demo", "wrong"), "Saumer's name": nats.UserInfo("saumer", passwords["demo"]),
	} {
		if nc, err := process.Connect(w.natsURL, login); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("with %s: %v", name, err)
			nc.Close()
		}
	}
	t.Run("overhears nothing", func(t *testing.T) { eavesdrop(t, w) })
	t.Run("writes nothing", func(t *testing.T) { overwrite(t, w) })
	t.Run("forges nothing", func(t *testing.T) { forge(t, w) })
	t.Run("goes on after a restart", func(t *testing.T) {
		n.Stop()
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
		w.until("ready", func() bool { status, _ := w.ask("demo", process.Password, "GET", "/readyz", nil); return status == 200 })
		w.works("after a restart ")
	})
	nc, err := process.Connect(w.natsURL, nats.UserInfo("demo", passwords["demo"]))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for name, known := range map[string]bool{"optin_finalized": true, "nobodys": false} {
		if wrong, err := event.Judge(t.Context(), nc, "demo", name); err != nil || (wrong == "") != known {
			t.Errorf("a publisher asks for %s and hears %q, %v", name, wrong, err)
		}
	}
	url := strings.Replace(w.natsURL, "//", "//saumer:inside@", 1)
	doctor := exec.CommandContext(t.Context(), binary, "doctor", "--data", t.TempDir(), "--http", strings.TrimPrefix(w.API, "http://"), "--nats-url", url)
	if out, err := doctor.CombinedOutput(); err != nil || !strings.Contains(string(out), "nats-server") {
		t.Errorf("the doctor may not look, or finds a problem: %v\n%s", err, out)
	}
	w.downAndReplayed()
	if out := w.Output(); strings.Contains(strings.ToLower(out), "permission") {
		t.Errorf("Saumer was refused something:\n%s", out)
	}
}
