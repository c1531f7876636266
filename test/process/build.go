// Package process starts what tests prove from outside: the built binary, nats-server and redis-server, each as a process
// of its own on loopback, ended with the test.
package process

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The packages that are built.
const (
	saumerPackage = "github.com/saumer/saumer/cmd/saumer"
	natsPackage   = "github.com/nats-io/nats-server/v2"
)

// Build builds the binary of Saumer into a directory, with the race detector if the test has it, and returns its path.
func Build(dir string) (string, error) {
	var flags []string
	if raceDetector {
		flags = append(flags, "-race")
	}
	return build(dir, "saumer", saumerPackage, flags...)
}

// BuildToFail is Build with the steps of package fault, and with a clock that can be made to jump.
func BuildToFail(dir string) (string, error) {
	overlay, err := jumpingClock(dir)
	if err != nil {
		return "", err
	}
	return build(dir, "saumer-to-fail", saumerPackage, "-tags", "chaos", "-overlay", overlay)
}

// BuildNATS builds the nats-server that Saumer embeds, as a program of its own.
func BuildNATS(dir string) (string, error) { return build(dir, "nats-server", natsPackage) }

func build(dir, name, pkg string, flags ...string) (string, error) {
	binary := filepath.Join(dir, name)
	out, err := exec.Command("go", append(append([]string{"build", "-o", binary}, flags...), pkg)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// jumpingClock writes an overlay for the compiler (`go help build`, -overlay), in which package time has a function Jump
// that puts the wall clock forward. The monotonic clock goes on as it was, as it does when a machine's clock is set.
func jumpingClock(dir string) (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("ask go where its sources are: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("read package time: %w", err)
	}
	const now = "func Now() Time {"
	if strings.Count(string(source), now) != 1 {
		return "", fmt.Errorf("%s has not one %q", original, now)
	}
	text := strings.Replace(string(source), now, "func unjumped() Time {", 1)
	text = strings.Replace(text, "import (", "import (\n\t\"sync/atomic\"", 1) + `
var jumped atomic.Int64

// Jump puts the clock forward.
func Jump(d Duration) { jumped.Add(int64(d / Second)) }

func Now() Time {
	t := unjumped()
	t.addSec(jumped.Load())
	return t
}
`
	patched, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: patched}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(patched, []byte(text), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, list, 0o600)
}
