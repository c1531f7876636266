// Package replay is what people ask about backlogs and of them: to activate a webhook, with a replay or without, to delete
// it, to send an event or a period again, how it stands, and why it got an event or did not.
package replay

import (
	"context"
	"errors"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// Errors of what people ask; match them with errors.Is.
var (
	// ErrOver is returned for the activation after a certain deactivation, if the webhook is active or was deactivated again.
	ErrOver = errors.New("the webhook has been activated in the meantime")
	// ErrInactive is returned where only an active webhook can be sent anything.
	ErrInactive = errors.New("the webhook is inactive: activate it first")
	// ErrLater is returned for what is under way and takes longer than the caller is kept waiting.
	ErrLater = errors.New("it is under way, and takes a while")
	// ErrForeign is returned for an event that is not of the webhook's account and kind.
	ErrForeign = errors.New("the webhook is not for events of this name")
	// ErrLeftOut is returned for an event that the webhook's filter leaves out.
	ErrLeftOut = errors.New("the webhook's filter leaves out the event")
	// ErrDropped is returned for an event that the stream does not hold: it never did, or the retention has dropped it.
	ErrDropped = errors.New("the event is not kept any more, or never was")
)

// Backlogs answers what people ask. It is safe for concurrent use.
type Backlogs struct {
	broker    *broker.Broker
	registry  *registry.Registry
	store     Store
	rules     backlog.Rules
	retention time.Duration
}

// NewBacklogs makes a Backlogs of backlogs that are worked off by rules. Retention is how long the stream keeps events.
func NewBacklogs(b *broker.Broker, r *registry.Registry, rules backlog.Rules, retention time.Duration) *Backlogs {
	return &Backlogs{broker: b, registry: r, store: NewStore(b), rules: rules, retention: retention}
}

// Delete removes a webhook with its backlog and its log. When it returns, this node begins no attempt any more, and other
// nodes begin none within the time that they need to see the removal. A backlog that cannot be read goes too; one of a newer
// version does not. It returns record.ErrNotFound, record.ErrNewer, for the webhook only record.ErrUnreadable, or
// registry.ErrIndex. Once the webhook is removed it returns no error: what is left of its backlog goes at the next sweep, and
// its log with the retention.
func (m *Backlogs) Delete(ctx context.Context, key string) error {
	_, _, err := m.store.Load(ctx, key)
	if err != nil && !errors.Is(err, record.ErrNotFound) && !errors.Is(err, record.ErrUnreadable) {
		return err
	}
	// No event is looked up until the index shows a removal that it lags behind.
	if err := m.registry.Delete(ctx, key); err != nil && !errors.Is(err, registry.ErrUnindexed) {
		return err
	}
	_ = errors.Join(m.store.Remove(ctx, key), m.broker.Forget(ctx, key))
	return nil
}

// moment is where the stream and the live path stand, asked once for all that one answer needs.
type moment struct {
	bounds   broker.Bounds
	progress broker.Progress
}

// moment asks, the live path's progress first: what is published later is beyond both.
func (m *Backlogs) moment(ctx context.Context) (now moment, err error) {
	if now.progress, err = m.broker.Progress(ctx); err != nil {
		return now, err
	}
	now.bounds, err = m.broker.Bounds(ctx)
	return now, err
}
