package consumer

import (
	"context"

	"github.com/saumer/saumer/delivery"

	"go.uber.org/zap"
)

// relieve keeps the live path at the head of the stream, given how many events were still to be handed out lately. While these
// are more than there is room for, whoever holds more than its share of the window leaves for its backlog, however healthy:
// what it has in the stream is then only looked at, and nobody waits for it.
func (w *Worker) relieve(hard context.Context, pending uint64) {
	w.mu.Lock()
	var busy []*lane
	if w.inflight.shortLocked(pending) {
		busy = w.inflight.overLocked()
	}
	w.mu.Unlock()
	if len(busy) == 0 || w.Webhooks.Sole() {
		return
	}
	for _, l := range busy {
		w.busy.Do(func() {
			w.Log.Info("a webhook has more events than its share of the live path; its backlog catches up on them", zap.String("webhook", l.key))
		})
	}
	w.lanes.handOver(context.WithoutCancel(hard), delivery.Busy, busy...)
}
