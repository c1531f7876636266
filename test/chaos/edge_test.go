package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/fault"
)

// window is the replay window of the workers whose clocks differ.
const window = 5 * time.Second

// edge proves that a replay window ends by the stream's own time stamps: the clocks of the workers are six hours apart on
// either side, and whoever deactivates and activates, what came within the window is replayed and nothing that came later.
func (w *world) edge(r *report) {
	w.t.Helper()
	for i, by := range []string{"6h", "-6h"} {
		w.must(w.workers[i].Stop())
		w.start(i, fault.EnvJump+"="+by)
		w.must(w.workers[i].Signal(syscall.SIGUSR1))
	}
	x := r.row(trouble{name: "clocks: six hours apart, at the edge of a replay window", twice: handOver})
	for _, worker := range w.workers {
		w.settle()
		w.calm()
		before := w.sums()
		h := w.hook("at the edge", plain)
		w.deactivate(h)
		w.pass(window + 2*time.Second)
		early := w.pub.count()
		w.retry("activate", func() error {
			return worker.Call("ActivateWebHook", map[string]string{"id": fmt.Sprint(h.id), "replayEvents": "1"}, nil)
		})
		end := w.times(h).Add(window)
		first := w.since(end)
		h.forgiven = append(h.forgiven, [2]int{first, w.pub.count() + 1})
		w.pass(time.Second)
		took, lost := w.settle()
		if dropped := len(h.endpoint.missing(first, early)); dropped != early-first || dropped <= 0 {
			w.t.Errorf("%d of %d events after the window's edge were not sent, want all", dropped, early-first)
		}
		after := w.sums()
		x.runs++
		x.deliveries += after.all - before.all
		x.lost += lost
		x.twice += after.twice - before.twice
		x.slowest = max(x.slowest, took)
		w.remove(h)
	}
}

// times is when a webhook was deactivated last, by its notice.
func (w *world) times(h *hook) (at time.Time) {
	w.t.Helper()
	w.retry("read the notice of the deactivation", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stream, err := w.pub.js.Stream(ctx, "NOTICES")
		if err != nil {
			return err
		}
		for seq := uint64(1); ; seq++ {
			m, err := stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject("notices.*.deactivated"))
			if errors.Is(err, jetstream.ErrMsgNotFound) && !at.IsZero() {
				return nil
			}
			if err != nil {
				return err
			}
			seq = m.Sequence
			var notice struct {
				Webhook uint64
				At      time.Time
			}
			if json.Unmarshal(m.Data, &notice) == nil && notice.Webhook == h.id {
				at = notice.At
			}
		}
	})
	return at
}

// since is the number of the first event that the stream has stored since t.
func (w *world) since(t time.Time) (first int) {
	w.t.Helper()
	w.retry("find the window's edge", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stream, err := w.pub.js.Stream(ctx, "EVENTS")
		if err != nil {
			return err
		}
		w.pub.mu.Lock()
		low, high := uint64(1), uint64(1)
		for seq := range w.pub.numbers {
			high = max(high, seq+1)
		}
		w.pub.mu.Unlock()
		for low < high {
			middle := (low + high) / 2
			m, err := stream.GetMsg(ctx, middle, jetstream.WithGetMsgSubject(subject))
			if err != nil {
				return err
			}
			if m.Time.Before(t) {
				low = m.Sequence + 1
			} else {
				high = middle
			}
		}
		w.pub.mu.Lock()
		defer w.pub.mu.Unlock()
		var known bool
		if first, known = w.pub.numbers[low]; !known {
			return fmt.Errorf("event %d is not one of the publisher's", low)
		}
		return nil
	})
	return first
}
