package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/saumer/saumer/test/process"
)

// readiness is what a fault has to do to /readyz.
type readiness int

const (
	either   readiness = iota // it depends on where the fault strikes
	unready                   // at least one worker has to say that it is not ready, and why
	remedied                  // the same, or the log has to say that what was gone was made again: that takes less than a second
)

const (
	// lookEach is how often the witness looks.
	lookEach = 250 * time.Millisecond
	// fresh is how long an event may be on its way before somebody has to say that it waits.
	fresh = 5 * time.Second
	// notReady is what the log says where /readyz is not 200, and madeAgain where something of ours was gone.
	notReady  = "the process is not ready"
	madeAgain = "was made again"
)

// settledReasons are the answers to "why" that say that nothing is to come.
var settledReasons = []string{"unknown", "gone", "other-event", "before", "delivered", "outside", "dropped", "exhausted", "settled"}

// witness looks at what Saumer says of itself while a fault lasts, and compares it with what the endpoints have.
type witness struct {
	*world
	expected readiness
	looked   time.Time
	// refusals counts the answers of /readyz that were not 200.
	refusals int
	// said is the length of the output of each process that has run meanwhile, when it was first looked at.
	said map[*process.Saumer]int
	// ready has since when each worker has said without a break that it is ready.
	ready map[int]time.Time
	// taken is what the endpoints had taken at the time moved, when that last grew.
	taken int
	moved time.Time
	lies  []lie
}

// lie is something untrue that was said; of an event, unless n is -1.
type lie struct {
	n    int
	text string
}

// watched is a fault during which all that Saumer says of itself has to be true.
func watched(expected readiness, tr trouble) trouble {
	do := tr.do
	tr.do = func(w *world) {
		w.witness = &witness{world: w, expected: expected, said: map[*process.Saumer]int{}, ready: map[int]time.Time{}, moved: time.Now()}
		for _, worker := range w.workers {
			w.witness.said[worker] = len(worker.Output())
		}
		do(w)
	}
	return tr
}

// look has the witness look, if there is one, and not too often.
func (w *world) look() {
	if w.witness != nil && time.Since(w.witness.looked) >= lookEach {
		w.witness.look()
		w.witness.looked = time.Now()
	}
}

func (x *witness) look() {
	if all := x.sums().all; all > x.taken {
		x.taken, x.moved = all, time.Now()
	}
	for i, worker := range x.workers {
		select {
		case <-worker.Exited():
			delete(x.ready, i)
			continue
		default:
		}
		if stopped(worker.PID()) {
			continue
		}
		if _, known := x.said[worker]; !known {
			x.said[worker] = 0
		}
		ready, err := worker.Readiness()
		switch {
		case err != nil || !ready:
			x.refusals++
			delete(x.ready, i)
		case x.ready[i].IsZero():
			x.ready[i] = time.Now()
		}
		x.still(i)
		x.states(i)
	}
}

// still finds a worker that says that it is ready while nothing goes on: no event was accepted for a while, or none delivered
// though all endpoints lack some.
func (x *witness) still(i int) {
	since, ready := x.ready[i]
	const long = 2 * fresh
	if !ready || time.Since(since) < long {
		return
	}
	if !x.pub.paused.Load() && x.pub.size.Load() == 0 && time.Since(x.pub.last()) > long {
		x.lie(-1, "worker %d is ready though nothing was accepted for %v", i, long)
	}
	if time.Since(x.moved) < long {
		return
	}
	before := x.pub.before(time.Now().Add(-long))
	for _, h := range x.hooks {
		if len(x.lacks(h, before)) == 0 {
			return
		}
	}
	x.lie(-1, "worker %d is ready though no endpoint got anything for %v", i, long)
}

// lacks are the events before a number that a webhook is to get and has not got.
func (w *world) lacks(h *hook, before int) (missing []int) {
	for _, n := range h.endpoint.missing(h.low, before) {
		if !h.forgives(n) && !w.gone[n] {
			missing = append(missing, n)
		}
	}
	return missing
}

// states finds a webhook that is said to be live, with nothing that waits, though events wait; and an answer to why one
// does not come that says that it is not to come.
func (x *witness) states(i int) {
	worker := x.workers[i]
	before := x.pub.before(time.Now().Add(-fresh))
	all, err := worker.BriefWebhooks()
	if err != nil {
		return // it says nothing, and so nothing untrue
	}
	for _, h := range x.hooks {
		at := slices.IndexFunc(all, func(said process.Webhook) bool { return said.ID == h.id })
		missing := x.lacks(h, before)
		if at < 0 || len(missing) == 0 {
			continue
		}
		n := missing[0]
		event, said := x.pub.where(n), all[at]
		why, err := worker.Why(h.id, event.seq)
		if err != nil || len(h.endpoint.missing(n, n+1)) == 0 {
			continue // it came meanwhile
		}
		// People are told of exhausted events by and by, or never, if that is forgotten before.
		exhausted := why.Reason == "exhausted" && h.endpoint.exhausted(n)
		if slices.Contains(settledReasons, why.Reason) && !exhausted {
			x.lie(n, "%s has not got event %d, and the reason is said to be %q: %s", h.name, event.seq, why.Reason, why.Text)
		}
		if age := time.Since(event.at); said.State == "live" && said.Lag == 0 {
			x.lie(n, "%s is said to be live with nothing that waits, and has not got event %d (%s) for %v", h.name, event.seq, why.Reason, age.Round(time.Second))
		}
	}
}

func (x *witness) lie(n int, format string, values ...any) {
	x.lies = append(x.lies, lie{n, fmt.Sprintf(format, values...)})
}

// testify ends the look, and returns what was untrue. What NATS itself lost was rightly said to be gone.
func (w *world) testify() (wrong []string) {
	x := w.witness
	if x == nil {
		return nil
	}
	w.retry("see every worker ready", func() error {
		for i, worker := range w.workers {
			if ready, err := worker.Readiness(); err != nil || !ready {
				return fmt.Errorf("worker %d is not ready: %v, %w", i, ready, err)
			}
		}
		return nil
	})
	w.witness = nil
	for _, l := range x.lies {
		if l.n >= 0 && w.gone[l.n] || slices.Contains(wrong, l.text) {
			continue
		}
		if wrong = append(wrong, l.text); len(wrong) == 5 {
			break
		}
	}
	if x.expected == unready && x.refusals == 0 || x.expected == remedied && x.refusals == 0 && len(x.log(madeAgain)) == 0 {
		wrong = append(wrong, "every worker said all the time that it is ready")
	}
	if reasons := x.log(notReady); len(reasons) > 0 {
		w.t.Logf("not ready: %s", strings.Join(reasons, "\n           "))
	}
	return wrong
}

// log is what the processes have logged meanwhile that has a text.
func (x *witness) log(text string) (all []string) {
	for worker, from := range x.said {
		out := worker.Output()
		for line := range strings.Lines(out[min(from, len(out)):]) {
			if strings.Contains(line, text) {
				all = append(all, strings.TrimSpace(line))
			}
		}
	}
	slices.Sort(all)
	return all
}
