package backlog

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

var update = flag.Bool("update", false, "write what the stories in testdata tell")

// The stories in testdata are played in a world, and tell what they told before. A story has steps: commands, one a line,
// then ----, then what came of them and how the world is: first what happened, then the webhook and the record. A line that
// begins with # is for the reader.
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("stories %v, error %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("the story has changed%s", firstDifference(got, string(want)))
			}
		})
	}
}

// firstDifference is where two stories part.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf(" in line %d:\n%s\ninstead of\n%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf(": it has %d lines instead of %d", len(a), len(b))
}

// play is the story as it is told: its comments and commands, with what came of them.
func play(t *testing.T, story string) string {
	w := newWorld(t)
	var told strings.Builder
	for lines := strings.Split(strings.TrimSpace(story), "\n"); len(lines) > 0; {
		text := lines[0]
		lines = lines[1:]
		if text != "----" {
			fmt.Fprintln(&told, text)
			if text != "" && !strings.HasPrefix(text, "#") {
				w.command(text)
			}
			continue
		}
		// What was told before ends with an empty line.
		for len(lines) > 0 && lines[0] != "" {
			lines = lines[1:]
		}
		told.WriteString("----\n" + w.tell())
	}
	return told.String()
}

// command does what a line of a story says, and lets live path and worker go on.
func (w *world) command(text string) {
	w.tb.Helper()
	name, rest, _ := strings.Cut(text, " ")
	args := strings.Fields(rest)
	err := w.do(name, args)
	switch {
	case errors.Is(err, errCommand):
		w.tb.Fatalf("%s: %v", text, err)
	case err != nil:
		w.say("refused: %v", err)
	}
	w.deliver()
	w.run()
}

// errCommand is what is wrong with a command that there is not.
var errCommand = errors.New("there is no such command")

func (w *world) do(name string, args []string) error {
	switch arg := cmp.Or(strings.Join(args, " "), "all"); name {
	case "publish":
		for range numbers(args)[0] {
			w.publish()
		}
	case "up", "down", "unavailable", "slow", "gone", "reject":
		w.turn(name, numbers(args))
	case "tick":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return fmt.Errorf("%w: %w", errCommand, err)
		}
		w.tick(d)
	case "crash":
		w.crash = arg
	case "lose":
		return w.lose(arg)
	case "rollback":
		w.back(int(numbers(args)[0]))
	case "activate":
		return w.activate(arg == "replay")
	case "pause":
		if !w.hook.active {
			return errInactive
		}
		return w.upsert(func(r *Record) error { r.Pause(); return nil })
	case "move":
		return w.upsert(func(r *Record) error { r.Moved(w.now); return nil })
	case "redeliver":
		return w.redeliver(numbers(args)[0])
	case "replay":
		return w.replay(numbers(args)[0], numbers(args)[1])
	case "outage":
		w.outage = arg == "on"
	case "mode":
		w.rules.Mode = Mode(arg)
	case "ordered":
		w.hook.ordered = true
	default:
		return errCommand
	}
	return nil
}

// turn has the endpoint answer otherwise: all events, or those.
func (w *world) turn(name string, seqs []uint64) {
	outcome := map[string]delivery.Outcome{
		"up": delivery.Delivered, "down": delivery.Refused, "unavailable": delivery.Unavailable, "slow": delivery.Slow, "gone": delivery.Gone, "reject": delivery.Status,
	}[name]
	if len(seqs) == 0 {
		w.endpoint.mood, w.endpoint.of = outcome, nil
		return
	}
	w.endpoint.of = map[uint64]delivery.Outcome{}
	for _, seq := range seqs {
		w.endpoint.of[seq] = outcome
	}
}

// lose loses the record, or the webhook's newest range, as a loss of power does.
func (w *world) lose(what string) error {
	switch n := len(w.hook.ranges); what {
	case "record":
		w.data = nil
		w.revision++
	case "range":
		w.hook.ranges = w.hook.ranges[:max(n-1, 0)]
	default:
		return errCommand
	}
	return nil
}

func numbers(args []string) (n []uint64) {
	for _, arg := range args {
		x, err := strconv.ParseUint(arg, 10, 64)
		if err != nil {
			panic(err)
		}
		n = append(n, x)
	}
	return n
}
