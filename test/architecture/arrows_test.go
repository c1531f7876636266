// Package architecture holds the code to its plan: which package may import which, what is documented, and how long
// functions and files are. It reads the source with go/parser, so that no build tag hides anything.
package architecture

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// module begins the path of each package of ours.
const module = "github.com/saumer/saumer/"

// arrows say for each package which of ours it may import. A package that is not here fails the test, as does an import
// that its row does not have.
var arrows = map[string][]string{
	"event":    {},
	"fault":    {},
	"lifetime": {},
	"http1":    {},
	"slots":    {},
	"defaults": {},
	"durable":  {},
	"words":    {},
	"filter":   {},

	"broker":   {"event", "durable", "fault", "lifetime", "defaults"},
	"record":   {"broker"},
	"delivery": {"http1", "broker", "event"},
	// What a backlog is and decides knows no stream, no clock and no client: see TestBacklogIsPure.
	"backlog":  {"delivery", "event"},
	"registry": {"filter", "record", "backlog", "delivery", "broker", "event", "fault", "lifetime"},
	"stats":    {"record"},
	"notify":   {"registry", "record", "backlog", "delivery", "broker", "lifetime", "words"},

	// The live path and the backlogs do not know each other: app brings them together.
	"consumer": {"registry", "record", "delivery", "slots", "broker", "event", "fault", "lifetime"},
	"replay":   {"registry", "record", "backlog", "delivery", "broker", "event", "fault"},
	"runner":   {"replay", "registry", "record", "backlog", "delivery", "slots", "broker", "event", "fault", "lifetime"},

	// What Prometheus is told; app gives it what it asks.
	"metrics": {"backlog", "delivery", "broker", "event"},

	"api":     {"filter", "replay", "notify", "stats", "registry", "record", "backlog", "delivery", "broker", "event"},
	"console": {"filter", "api", "replay", "notify", "stats", "registry", "record", "delivery", "words"},
	"app": {
		"console", "api", "runner", "replay", "consumer", "notify", "stats", "registry", "backlog", "delivery", "slots",
		"broker", "event", "durable", "lifetime", "defaults", "metrics",
	},

	// Only these see app, and only cmd sees config. Every other package is given its own options.
	"config":     {"app", "notify", "registry", "backlog", "delivery", "event", "defaults"},
	"bench":      {"app", "api", "registry", "backlog", "delivery", "event", "defaults"},
	"doctor":     {"app", "registry", "delivery", "broker"},
	"cmd/saumer": {"config", "bench", "doctor", "app", "event", "defaults"},

	// What tests share. No row above may have one of these.
	"test/process":    {},
	"http1/http1test": {},
}

// ofTests says whether a package is there only for tests.
func ofTests(pkg string) bool {
	return strings.HasPrefix(pkg, "test/") || strings.HasSuffix(pkg, "test")
}

// wrongArrows says what is wrong with what a package imports, a sentence an import.
func wrongArrows(pkg string, imports []string) (wrong []string) {
	allowed, known := arrows[pkg]
	if !known {
		return []string{fmt.Sprintf("%s has no row in arrows: add one that says what it may import", pkg)}
	}
	for _, path := range imports {
		ours, is := strings.CutPrefix(path, module)
		if !is || slices.Contains(allowed, ours) {
			continue
		}
		if ofTests(ours) && !ofTests(pkg) {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: production code imports nothing of test", pkg, ours))
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s imports %s: the arrows do not allow it; let %s declare the interface that it needs, and app fulfil it", pkg, ours, pkg))
	}
	return wrong
}

func TestArrows(t *testing.T) {
	t.Parallel()
	found := 0
	for _, p := range load(t) {
		if !p.production() {
			continue
		}
		found++
		for _, sentence := range wrongArrows(p.dir, p.imports()) {
			t.Error(sentence)
		}
	}
	if found < 15 {
		t.Errorf("%d packages were found: the test does not see the source", found)
	}
	for pkg, allowed := range arrows {
		for _, to := range allowed {
			if _, known := arrows[to]; !known {
				t.Errorf("the row of %s has %s, which has no row", pkg, to)
			}
			if ofTests(to) && !ofTests(pkg) {
				t.Errorf("the row of %s has %s: production code imports nothing of test", pkg, to)
			}
		}
	}
	if cycle := findCycle(arrows); cycle != nil {
		t.Errorf("the arrows allow a cycle: %s", strings.Join(cycle, " → "))
	}
}

// findCycle returns a way along the arrows from a package back to itself, or nil.
func findCycle(arrows map[string][]string) []string {
	done := map[string]bool{}
	var visit func(way []string) []string
	visit = func(way []string) []string {
		last := way[len(way)-1]
		for _, to := range arrows[last] {
			if i := slices.Index(way, to); i >= 0 {
				return append(way[i:], to)
			}
			if done[to] {
				continue
			}
			if cycle := visit(append(slices.Clip(way), to)); cycle != nil {
				return cycle
			}
		}
		done[last] = true
		return nil
	}
	for pkg := range arrows {
		if cycle := visit([]string{pkg}); cycle != nil {
			return cycle
		}
	}
	return nil
}

// The checks find what they are made for.
func TestWrongArrowsAreFound(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		pkg     string
		imports []string
	}{
		"": {"delivery", []string{"context", module + "broker", "go.uber.org/zap"}},
		"consumer imports replay: the arrows do not allow it; let consumer declare the interface that it needs, and app fulfil it": {
			"consumer", []string{module + "replay"},
		},
		"app imports test/process: production code imports nothing of test": {"app", []string{module + "test/process"}},
		"models has no row in arrows: add one that says what it may import": {"models", nil},
	} {
		if got := strings.Join(wrongArrows(c.pkg, c.imports), "\n"); got != want {
			t.Errorf("of %s with %v it says %q, want %q", c.pkg, c.imports, got, want)
		}
	}
	if findCycle(map[string][]string{"a": {"b"}, "b": {"c", "d"}, "d": {"a"}}) == nil {
		t.Error("a cycle is not found")
	}
	if cycle := findCycle(map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": {}}); cycle != nil {
		t.Errorf("%v is no cycle", cycle)
	}
}
