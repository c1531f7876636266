package replay

import (
	"context"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/registry"
)

const (
	// pausing is how long the caller of Pause is kept waiting, and look how often the webhook is looked at meanwhile.
	pausing = 3 * time.Second
	look    = 20 * time.Millisecond
)

// Pause deactivates a webhook as its endpoint's failure would: its events are kept for the replay window, and an activation
// replays them. Nobody is told. The backlog's runner does it, and Pause waits for that. It returns record.ErrNotFound or
// ErrInactive, or ErrLater if the webhook will be paused, but is not yet.
func (m *Backlogs) Pause(ctx context.Context, key string) (registry.Webhook, error) {
	w, err := m.active(ctx, key)
	if err != nil {
		return w, err
	}
	if _, _, err := m.store.Upsert(ctx, key, func(r *backlog.Record) error { r.Pause(); return nil }); err != nil {
		return w, err
	}
	m.wake(ctx, key)
	ctx, cancel := context.WithTimeout(ctx, pausing)
	defer cancel()
	for {
		if now, err := m.registry.Get(ctx, key); err == nil && !now.Active {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return w, ErrLater
		case <-time.After(look):
		}
	}
}
