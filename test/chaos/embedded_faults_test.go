package chaos

import (
	"errors"
	"slices"
	"time"
)

// embeddedStore is what the embedded world's stored events may take: more than the other faults need.
const embeddedStore = "8MB"

// embeddedTroubles are those of a process with everything embedded.
func embeddedTroubles() []trouble {
	return []trouble{
		{"embedded: SIGTERM", none, func(w *world) {
			w.must(w.workers[0].Stop())
			w.start(0)
		}},
		{"embedded: SIGKILL", unwritten, func(w *world) {
			for range 3 {
				w.pass(w.between(0, 2*time.Second))
				w.workers[0].Kill()
				w.start(0)
			}
		}},
		{"embedded: the store is full, and then made larger", none, func(w *world) {
			refused := w.pub.refused.Load()
			w.pub.size.Store(100_000)
			for deadline := time.Now().Add(patience); w.pub.refused.Load() < refused+5; w.pass(100 * time.Millisecond) {
				if time.Now().After(deadline) {
					w.t.Error("a full store refused nothing")
					break
				}
			}
			w.pub.size.Store(0)
			// All that was accepted arrives although nothing more is.
			if _, lost := w.settle(); lost > 0 {
				w.t.Errorf("%d accepted events were dropped by a full store", lost)
			}
			i := slices.Index(w.more, "--max-store")
			larger := "64MB"
			if w.more[i+1] == larger {
				larger = "1GB"
			}
			w.more[i+1] = larger
			w.must(w.workers[0].Stop())
			w.start(0)
			count := w.pub.count()
			w.retry("publish again", func() error {
				if w.pub.count() == count {
					return errors.New("nothing more was accepted")
				}
				return nil
			})
		}},
	}
}
