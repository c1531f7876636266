package replay

import (
	"context"
	"errors"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/record"
)

// Moved has the backlog of a webhook follow a change of its URL: what waits is sent to the new one, beginning at once. A
// webhook that has nothing outstanding needs nothing.
func (m *Backlogs) Moved(ctx context.Context, key string) error {
	now := m.broker.Now()
	_, _, err := m.store.Update(ctx, key, func(r *backlog.Record) error {
		r.Moved(now)
		return nil
	})
	if errors.Is(err, record.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m.wake(ctx, key)
	return nil
}
