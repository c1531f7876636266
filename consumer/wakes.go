package consumer

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"github.com/saumer/saumer/registry"
)

// wakes wakes the backlogs of ordered webhooks. Many events at about the same time are one wake.
type wakes struct {
	cover Cover
	log   *zap.Logger
	wg    sync.WaitGroup

	mu sync.Mutex
	// soon are the backlogs that are about to be woken.
	soon map[string]bool
}

// pass wakes the backlog of a webhook in whose open range an event was passed over, if it is an ordered one.
func (w *wakes) pass(ctx context.Context, s *registry.Subscription) {
	if s.Webhook.Settings.Ordered && s.Webhook.Active {
		w.wake(ctx, s.Target.Key)
	}
}

// wake wakes a backlog soon, and does not wait for it.
func (w *wakes) wake(ctx context.Context, key string) {
	w.mu.Lock()
	soon := w.soon[key]
	w.soon[key] = true
	w.mu.Unlock()
	if soon {
		return
	}
	w.wg.Go(func() {
		// What is skipped from here on needs another.
		w.mu.Lock()
		delete(w.soon, key)
		w.mu.Unlock()
		if err := w.cover.Wake(ctx, key); err != nil {
			w.log.Warn("the backlog of an ordered webhook was not woken; the sweep makes up for it", zap.String("webhook", key), zap.Error(err))
		}
	})
}
