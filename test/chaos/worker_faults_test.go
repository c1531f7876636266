package chaos

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/test/process"
)

// ackWait is how long NATS waits for a sign of life: the timeout and 15 s.
const ackWait = timeout + defaults.AckGrace

func workerTroubles() []trouble {
	return []trouble{
		{"worker: SIGTERM, one after the other", none, func(w *world) {
			for i := range w.workers {
				w.must(w.workers[i].Stop())
				w.start(i)
			}
		}},
		{"worker: SIGKILL at random", unwritten, func(w *world) {
			for range 3 {
				w.pass(w.between(0, 2*time.Second))
				i := w.rng.IntN(len(w.workers))
				w.workers[i].Kill()
				w.start(i)
			}
		}},
		{"worker: SIGSTOP for longer than ack wait and lease", unwritten, func(w *world) {
			stirred := make(chan struct{})
			i := w.rng.IntN(len(w.workers))
			w.must(w.workers[i].Signal(syscall.SIGSTOP))
			// A connection of a stopped process is not answered; the other workers are asked.
			stopped := w.workers[i]
			w.workers[i] = w.workers[(i+1)%len(w.workers)]
			w.stir(stirred, ackWait+5*time.Second)
			w.workers[i] = stopped
			w.must(stopped.Signal(syscall.SIGCONT))
		}},
		{"worker: its clock jumps by six hours", handOver, func(w *world) {
			w.jump("6h")
		}},
		{"worker: its clock jumps back by six hours", handOver, func(w *world) {
			w.jump("-6h")
		}},
	}
}

// jump has the clock of a worker jump while backlogs are worked off.
func (w *world) jump(by string) {
	w.t.Helper()
	i := w.rng.IntN(len(w.workers))
	w.must(w.workers[i].Stop())
	w.start(i, fault.EnvJump+"="+by)
	forever := make(chan struct{})
	w.stir(forever, 3*time.Second)
	w.must(w.workers[i].Signal(syscall.SIGUSR1))
	w.stir(forever, 10*time.Second)
}

// stepTroubles are a crash and a long stop at each step that a process can die between.
func stepTroubles() []trouble {
	var all []trouble
	for i := range fault.Steps {
		all = append(all, stepsTrouble(fault.Steps[i:i+1], false), stepsTrouble(fault.Steps[i:i+1], true))
	}
	return all
}

// stepsTrouble is a crash at each of some steps, or a stop.
func stepsTrouble(steps []fault.Step, stop bool) trouble {
	name, sig := "SIGKILL at", syscall.SIGKILL
	if stop {
		name, sig = "SIGSTOP and SIGCONT at", syscall.SIGSTOP
	}
	for i, step := range steps {
		if i > 0 {
			name += " and"
		}
		name += " " + string(step)
	}
	return trouble{"step: " + name, unwritten, func(w *world) { w.dies(steps, sig) }}
}

// rare are the steps that a worker comes to a few times a minute at most, stirred as it is.
var rare = []fault.Step{fault.Deactivated, fault.Told, fault.Activated, fault.Followed, fault.Journaled}

// dies has workers, one for each step, get a signal from themselves when they come to it; they are then started again, or
// go on after longer than the ack wait and the lease.
func (w *world) dies(steps []fault.Step, sig syscall.Signal) {
	w.t.Helper()
	reached := make([]<-chan struct{}, len(steps))
	for i, step := range steps {
		w.must(w.workers[i].Stop())
		n := 1
		if !slices.Contains(rare, step) {
			n += w.rng.IntN(5)
		}
		w.start(i, fmt.Sprintf("%s=%s:%d:%d", fault.EnvStep, step, n, sig))
		reached[i] = w.reaches(w.workers[i], step, sig)
	}
	late := make([]bool, len(steps))
	for i, step := range steps {
		if late[i] = !w.stir(reached[i], 3*time.Minute); late[i] {
			w.t.Errorf("no worker came to the step %s", step)
		}
	}
	if sig == syscall.SIGSTOP {
		all := w.workers
		w.workers = all[len(steps):]
		w.stir(make(chan struct{}), ackWait+5*time.Second)
		w.workers = all
	}
	for i := range steps {
		if sig == syscall.SIGSTOP && !late[i] {
			w.must(w.workers[i].Signal(syscall.SIGCONT))
			continue
		}
		w.workers[i].Kill()
		w.start(i)
	}
}

// reaches is closed when a worker has come to its step: it has ended, or the system says that it is stopped.
func (w *world) reaches(s *process.Saumer, step fault.Step, sig syscall.Signal) <-chan struct{} {
	if sig == syscall.SIGKILL {
		return s.Exited()
	}
	reached := make(chan struct{})
	go func() {
		defer close(reached)
		for {
			select {
			case <-s.Exited():
				return
			case <-time.After(100 * time.Millisecond):
			}
			if stopped(s.PID()) {
				return
			}
		}
	}()
	return reached
}
