package chaos

import (
	"syscall"
	"time"
)

func natsTroubles() []trouble {
	return []trouble{
		{"nats: the stream's leader is killed", lostAcks, func(w *world) {
			n := w.nats[w.leader()]
			n.Kill()
			w.pass(hold)
			w.must(n.Start())
		}},
		{"nats: a node is partitioned away", lostAcks, func(w *world) {
			i := w.rng.IntN(len(w.nats))
			w.part(i)
			w.pass(2 * hold)
			w.mend(i)
		}},
		{"nats: the stream's leader is partitioned away", lostAcks, func(w *world) {
			i := w.leader()
			w.part(i)
			w.pass(2 * hold)
			w.mend(i)
		}},
		{"nats: the stream's leader stops and goes on", lostAcks, func(w *world) {
			n := w.nats[w.leader()]
			w.must(n.Signal(syscall.SIGSTOP))
			w.pass(2 * hold)
			w.must(n.Signal(syscall.SIGCONT))
		}},
		{"nats: all restarted, one after the other", lostAcks, func(w *world) {
			for _, n := range w.nats {
				n.Stop()
				w.must(n.Start())
				w.pass(3 * time.Second)
			}
		}},
		{"nats: all killed at once", lostAcks, func(w *world) {
			for _, n := range w.nats {
				n.Kill()
			}
			for _, n := range w.nats {
				w.must(n.Start())
			}
		}},
	}
}

// part cuts a node's ways to the other nodes; its clients stay with it.
func (w *world) part(i int) {
	for between, p := range w.routes {
		if between[0] == i || between[1] == i {
			p.cut()
		}
	}
}

func (w *world) mend(i int) {
	for between, p := range w.routes {
		if between[0] == i || between[1] == i {
			p.mend()
		}
	}
}
