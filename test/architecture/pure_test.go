package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// impure are what a package that only decides does not import: who waits, locks, asks or logs. A path that ends in / stands
// for all that begins with it.
var impure = []string{"context", "net", "net/http", "os", "sync", "sync/atomic", "go.uber.org/zap", "github.com/nats-io/", "github.com/redis/"}

// clock are what reads or follows the clock.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// impurities says what keeps a file from being pure, a sentence each.
func impurities(f file) (wrong []string) {
	for _, path := range f.imports() {
		for _, forbidden := range impure {
			if path == forbidden || strings.HasSuffix(forbidden, "/") && strings.HasPrefix(path, forbidden) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: what a backlog decides is a function of what it is given", f.name, path))
			}
		}
	}
	if f.called("time") == "." {
		wrong = append(wrong, f.name+` imports . "time": import it by its name`)
	}
	for line, name := range f.uses("time") {
		if slices.Contains(clock, name) {
			wrong = append(wrong, fmt.Sprintf("%s:%d uses time.%s: the time is given", f.name, line, name))
		}
	}
	return wrong
}

func TestBacklogIsPure(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if p.dir != "backlog" {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, sentence := range impurities(f) {
				t.Error(sentence)
			}
		}
	}
}

func TestImpuritiesAreFound(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		`package backlog; import ("errors"; "time"); var soon = time.Second; var _ = errors.New`:                        0,
		`package backlog; import "time"; func now() time.Time { return time.Now() }`:                                    1,
		`package backlog; import . "time"; var now = Now`:                                                               1,
		`package backlog; import clock "time"; var now = clock.Now`:                                                     1,
		`package backlog; import ("context"; "sync"; "github.com/nats-io/nats.go/jetstream")`:                           3,
		`package backlog; type clock struct{}; func (clock) Now() int { return 0 }; var time clock; var _ = time.Now()`: 0,
	} {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, "a.go", code, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := impurities(file{"a.go", false, parsed, set}); len(got) != want {
			t.Errorf("%s: it says %q, want %d", code, got, want)
		}
	}
}
