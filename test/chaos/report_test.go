package chaos

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// report is the table of what was played.
type report struct {
	rows  []*row
	notes []string
	// wrong is what was not as it should be; it is said once more at the end, where a long output is looked at first.
	wrong []string
}

// row is what came of a fault.
type row struct {
	name                                string
	runs, deliveries, lost, twice, back int
	slowest                             time.Duration
	why                                 duplicates
}

// newReport makes a report that is shown, and written where that was asked for, when the test ends.
func newReport(t *testing.T) *report {
	t.Helper()
	r := &report{}
	t.Cleanup(func() {
		text := r.String()
		t.Log("\n" + text)
		if *table != "" {
			if err := os.WriteFile(*table, []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	return r
}

func (r *report) row(tr trouble) *row {
	for _, row := range r.rows {
		if row.name == tr.name {
			return row
		}
	}
	r.rows = append(r.rows, &row{name: tr.name, why: tr.twice})
	return r.rows[len(r.rows)-1]
}

func (r *report) String() string {
	var b strings.Builder
	b.WriteString("| fault | runs | deliveries | lost | twice | out of order | recovered within | duplicates come from |\n|---|---|---|---|---|---|---|---|\n")
	for _, x := range r.rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %.1f s | %s |\n", x.name, x.runs, x.deliveries, x.lost, x.twice, x.back, x.slowest.Seconds(), x.why)
	}
	for _, note := range r.notes {
		b.WriteString("\n" + note)
	}
	for _, wrong := range r.wrong {
		b.WriteString("\nWRONG: " + wrong)
	}
	return b.String()
}

// play plays faults one after the other, and reconciles after each.
func (w *world) play(r *report, troubles []trouble) {
	w.t.Helper()
	w.settle()
	w.calm()
	for _, tr := range troubles {
		x := r.row(tr)
		before, each := w.sums(), w.repeats()
		began := time.Now()
		w.slowest = 0
		tr.do(w)
		_, lost := w.settle()
		took := w.slowest
		w.calm()
		if tr.twice == unwritten {
			w.pass(ackWait + time.Second) // what was attempted and not acknowledged comes again, and is this fault's doing
			w.calm()
		}
		for _, lie := range w.testify() {
			wrong := fmt.Sprintf("%s: %s", tr.name, lie)
			r.wrong = append(r.wrong, wrong)
			w.t.Error(wrong)
		}
		after := w.sums()
		x.runs++
		x.deliveries += after.all - before.all
		x.lost += lost
		twice := after.twice - before.twice
		x.twice += twice
		x.slowest = max(x.slowest, took)
		back := after.back - before.back
		x.back += back
		w.t.Logf("%s: %v, %d deliveries, %d lost, %d twice%s, %d out of order, recovered after %v", tr.name, time.Since(began).Round(time.Second),
			after.all-before.all, lost, twice, w.repeatedSince(each), back, took.Round(10*time.Millisecond))
		if lost > 0 {
			r.wrong = append(r.wrong, fmt.Sprintf("%s: %d lost", tr.name, lost))
		}
		if back > 0 {
			wrong := fmt.Sprintf("%s: %d events came to the ordered webhook after later ones", tr.name, back)
			r.wrong = append(r.wrong, wrong)
			w.t.Error(wrong)
		}
		if limit, ok := tr.twice.limit(); ok && twice*100 > limit*(after.all-before.all) {
			wrong := fmt.Sprintf("%s: %d of %d deliveries came twice%s; expected are those from %s",
				tr.name, twice, after.all-before.all, w.repeatedSince(each), tr.twice)
			r.wrong = append(r.wrong, wrong)
			w.t.Error(wrong)
		}
	}
}

// repeats are what came twice so far, by webhook.
func (w *world) repeats() map[*hook]int {
	all := map[*hook]int{}
	for _, h := range w.hooks {
		h.mu.Lock()
		all[h] = h.twice
		h.mu.Unlock()
	}
	return all
}

// repeatedSince says which webhooks got how much twice since it was counted.
func (w *world) repeatedSince(before map[*hook]int) string {
	var parts []string
	now := w.repeats()
	for _, h := range w.hooks {
		if n := now[h] - before[h]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", h.name, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// flat notes what the workers have in memory.
func (w *world) flat(r *report) {
	w.t.Helper()
	text := time.Now().Format("15:04:05")
	for i, worker := range w.workers {
		text += fmt.Sprintf("  worker %d: %d MiB, %d goroutines", i, resident(worker.PID())>>20, goroutines(worker))
	}
	r.notes = append(r.notes, text)
	w.t.Log(text)
}
