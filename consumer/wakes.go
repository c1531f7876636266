package consumer

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/registry"
)

// Of one webhook that is off the live path, wakes begin firstWake apart, and each waits twice as long as the one before, up to
// longestWake: who leaves an endpoint in peace looks at what comes, and does not look at each event.
const firstWake, longestWake = time.Second, 15 * time.Minute

// maxPassed bounds the webhooks off the live path of which it is known when they were woken. Where there are more, all are
// woken once more than they had to be.
const maxPassed = 100_000

// wakes wakes backlogs because of what the live path sees: of ordered webhooks for each event, of others now and then. Many
// events at about the same time are one wake.
type wakes struct {
	cover Cover
	log   *zap.Logger
	wg    sync.WaitGroup

	mu sync.Mutex
	// soon are the backlogs that are about to be woken.
	soon map[string]bool
	// passed are the webhooks off the live path that were woken, by key.
	passed map[string]passed
}

// passed is when the backlog of a webhook may be woken again, how long that took, and for which of its ranges.
type passed struct {
	id    string
	next  time.Time
	pause time.Duration
}

func newWakes(c Cover, log *zap.Logger) wakes {
	return wakes{cover: c, log: log, soon: map[string]bool{}, passed: map[string]passed{}}
}

// pass has the backlog of a webhook look at an event that was left to its open range, or at what the endpoint took from before
// that.
func (w *wakes) pass(ctx context.Context, s *registry.Subscription) {
	if s.Webhook.Active && (s.Webhook.Settings.Ordered || w.due(s.Target.Key, newestRange(s), time.Now())) {
		w.wake(ctx, s.Target.Key)
	}
}

// due says whether a webhook that is off the live path, by a range, is to be woken.
func (w *wakes) due(key, id string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, known := w.passed[key]
	switch {
	case !known && len(w.passed) >= maxPassed:
		clear(w.passed)
	case last.id == id && now.Before(last.next):
		return false
	case last.id != id:
		last = passed{}
	}
	pause := min(max(2*last.pause, firstWake), longestWake)
	w.passed[key] = passed{id: id, next: now.Add(pause), pause: pause}
	return true
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
			w.log.Warn("a backlog was not woken; the sweep makes up for it", zap.String("webhook", key), zap.Error(err))
		}
	})
}
