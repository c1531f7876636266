package chaos

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// peopleTroubles are what people do in the middle of everything.
func peopleTroubles() []trouble {
	return []trouble{
		{"people: two activate at once, one with the replay and one without", handOver, func(w *world) {
			h := w.hook("activated twice", plain)
			deactivated := w.deactivate(h)
			var wg sync.WaitGroup
			for i, replay := range []string{"1", "0"} {
				worker := w.workers[i%len(w.workers)]
				wg.Go(func() {
					// The other one decides; a loss of the answer changes nothing.
					_ = worker.Call("ActivateWebHook", map[string]string{"id": fmt.Sprint(h.id), "replayEvents": replay}, nil)
				})
			}
			wg.Wait()
			// Either all of it comes, or what was published from the deactivation to the activation is dropped.
			h.forgiven = append(h.forgiven, [2]int{deactivated, w.pub.count() + 1})
			w.pass(time.Second)
			w.settle()
			w.remove(h)
		}},
		{"people: activated without the replay", handOver, func(w *world) {
			h := w.hook("activated without replay", plain)
			deactivated := w.deactivate(h)
			w.retry("activate", func() error {
				return w.any().Call("ActivateWebHook", map[string]string{"id": fmt.Sprint(h.id), "replayEvents": "0"}, nil)
			})
			h.forgiven = append(h.forgiven, [2]int{deactivated, w.pub.count() + 1})
			w.pass(2 * time.Second)
			w.settle()
			w.remove(h)
		}},
		{"people: deactivated again in the middle of its replay", handOver, func(w *world) {
			h := w.hook("deactivated twice", plain)
			w.deactivate(h)
			w.retry("activate", func() error {
				return w.any().Call("ActivateWebHook", map[string]string{"id": fmt.Sprint(h.id), "replayEvents": "1"}, nil)
			})
			w.pass(300 * time.Millisecond)
			w.deactivate(h)
			w.settle()
			w.remove(h)
		}},
		{"people: a webhook is deleted while its backlog is worked off", handOver, func(w *world) {
			h := w.hook("deleted", plain)
			w.as(h, refuses, 2*time.Second)
			w.remove(h)
			w.pass(2*time.Second + timeout) // what other nodes had begun, and the time that the news takes
			tried := h.tried()
			w.pass(hold)
			if n := h.tried(); n != tried {
				w.t.Errorf("%d attempts after the webhook was deleted", n-tried)
			}
		}},
		{"people: webhooks are made and deleted by two at once", handOver, func(w *world) {
			e, err := newEndpoint(nil)
			w.must(err)
			defer e.close()
			var wg sync.WaitGroup
			stop := time.Now().Add(hold)
			for _, worker := range w.workers[:min(2, len(w.workers))] {
				wg.Go(func() {
					for time.Now().Before(stop) {
						made, err := worker.Create("http://" + e.address + "/")
						if err == nil {
							err = worker.Call("DeleteWebHookById", map[string]string{"id": fmt.Sprint(made.ID)}, nil)
						}
						if err != nil {
							w.t.Errorf("make and delete a webhook: %v", err)
							return
						}
					}
				})
			}
			wg.Wait()
		}},
	}
}

// deactivate has a webhook's endpoint refuse until it is deactivated. It returns the number of an event that was
// published before that.
func (w *world) deactivate(h *hook) int {
	w.t.Helper()
	before := w.pub.count()
	w.must(h.set(refuses))
	w.retry("see a webhook deactivated", func() error {
		all, err := w.any().Webhooks()
		if err != nil {
			return err
		}
		for _, hook := range all {
			if hook.ID == h.id && hook.Active == 0 {
				return nil
			}
		}
		return errors.New("it is active")
	})
	w.pass(time.Second)
	w.must(h.set(healthy))
	return before
}
