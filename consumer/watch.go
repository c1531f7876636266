package consumer

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
)

// busy returns when a delivery is outstanding, or false when the context ends: an idle process keeps no time.
func (w *Worker) busy(ctx context.Context, begun <-chan struct{}) bool {
	for {
		w.mu.Lock()
		busy := len(w.out) > 0
		w.mu.Unlock()
		if busy {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-begun:
		}
	}
}

// signs tells NATS, well inside the ack wait, that the events which are out are still being worked on.
func (w *Worker) signs(ctx context.Context) {
	every := w.AckWait / 3
	for w.busy(ctx, w.signing) {
		select {
		case <-ctx.Done():
			return
		case now := <-time.After(every):
			var old []*outstanding
			w.mu.Lock()
			for _, o := range w.out {
				if now.Sub(o.since) > every/2 && !w.old(o) {
					o.since = now
					old = append(old, o)
				}
			}
			w.mu.Unlock()
			for _, o := range old {
				if err := o.msg.InProgress(); err != nil {
					w.Log.Debug("give a sign of life", zap.Uint64("seq", o.event.Seq), zap.Error(err))
				}
			}
		}
	}
}

// old says whether no sign of life was given for an event in time; under the lock.
func (w *Worker) old(o *outstanding) bool { return time.Since(o.since) > w.AckWait-ackMargin }

// glances looks for webhooks that keep the live path waiting and hands what waits for them to their backlogs.
func (w *Worker) glances(ctx, hard context.Context) {
	for w.busy(ctx, w.glancing) {
		select {
		case <-ctx.Done():
			return
		case now := <-time.After(glance):
			slow := map[*lane]bool{}
			w.mu.Lock()
			for _, l := range w.lanes {
				if !l.leaving && l.oldest != nil && now.Sub(l.oldest.since) > glance && l.slow(now, w.Slots.Full(l.key)) {
					slow[l] = true
				}
				l.moved = false
			}
			w.mu.Unlock()
			if len(slow) == 0 {
				continue
			}
			w.handOver(context.WithoutCancel(hard), func(l *lane) bool { return slow[l] }, delivery.Slow)
			for l := range slow {
				w.Log.Info("a webhook is slow; its events go through its backlog", zap.String("webhook", l.key))
				go w.slow(context.WithoutCancel(hard), l.key)
			}
		}
	}
}

// slow says that a webhook is slow even where nothing waits behind the attempts under way. If that fails, nothing is
// lost: the next glance or failure says it again.
func (w *Worker) slow(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, covering)
	defer cancel()
	if err := w.Cover.Cover(ctx, key, delivery.Attempt{Outcome: delivery.Slow}, 0); err != nil {
		w.Log.Warn("take a slow webhook off the live path", zap.String("webhook", key), zap.Error(err))
	}
}
