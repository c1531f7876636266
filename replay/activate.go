package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// Activated is a webhook that was activated, or was active before, and how it does then.
type Activated struct {
	Webhook registry.Webhook
	Status  Status
	// Events is how many events this activation replays.
	Events uint64
	// Unindexed is set if the webhook is activated and look-ups or its backlog show it later.
	Unindexed bool
}

// Activate makes an inactive webhook active again. A webhook that is active stays as it is. Of several callers at once one decides. It returns
// record.ErrNotFound, or record.ErrNewer or record.ErrUnreadable if the webhook or its backlog is not ours to touch, or registry.ErrIndex.
// Once the webhook is activated it returns no error.
func (m *Backlogs) Activate(ctx context.Context, key string, replayEvents bool) (Activated, error) {
	return m.activate(ctx, key, replayEvents, func(registry.Webhook) error { return nil })
}

// ActivateAfter is Activate for the deactivation of that time only: it returns ErrOver, and changes nothing, if the webhook
// is active or was deactivated again.
func (m *Backlogs) ActivateAfter(ctx context.Context, key string, deactivated time.Time, replayEvents bool) (Activated, error) {
	return m.activate(ctx, key, replayEvents, func(w registry.Webhook) error {
		if !w.Deactivated.Equal(deactivated) {
			return ErrOver
		}
		return nil
	})
}

// activate activates a webhook if the check of it, active or not, passes. It asks NATS as little as it can: what is read
// once is handed on.
func (m *Backlogs) activate(ctx context.Context, key string, replayEvents bool, check func(registry.Webhook) error) (Activated, error) {
	for {
		w, err := m.registry.Get(ctx, key)
		if err == nil {
			err = check(w)
		}
		if err != nil {
			return Activated{}, err
		}
		if w.Active {
			s, err := m.Status(ctx, w)
			return Activated{Webhook: w, Status: s}, err
		}
		r, revision, err := m.store.Load(ctx, key)
		if errors.Is(err, record.ErrNotFound) {
			r, err = backlog.New(), nil
		}
		if err != nil {
			return Activated{}, err
		}
		c, err := m.activation(ctx, &w, &r, replayEvents)
		if err != nil {
			return Activated{}, err
		}
		w, err = m.registry.Put(ctx, w)
		if errors.Is(err, record.ErrConflict) {
			continue
		}
		unindexed := errors.Is(err, registry.ErrUnindexed)
		if err != nil && !unindexed {
			return Activated{}, err
		}
		fault.At(fault.Activated)
		s, err := m.follow(ctx, w, &r, revision, c)
		if err != nil {
			// It is activated. The runner follows at the next sweep.
			s, unindexed = Status{State: Lagging, Lag: w.Activation.Total}, true
		}
		return Activated{w, s, w.Activation.Total, unindexed}, nil
	}
}

// activation makes the webhook active, by an activation that knows how many events it sends, and has the record follow it.
func (m *Backlogs) activation(ctx context.Context, w *registry.Webhook, r *backlog.Record, replayEvents bool) (*counter, error) {
	now, err := m.moment(ctx)
	if err != nil {
		return nil, err
	}
	c := newCounter(m.broker, *w, now)
	from := event.End{Seq: now.bounds.Next(), AsOf: now.bounds.Last.Time}
	until, err := m.edge(ctx, *w, from)
	if err != nil {
		return nil, err
	}
	a := backlog.Activation{At: m.broker.Now(), Replay: replayEvents, Until: until, From: from, Deactivated: w.Deactivated}
	activate(w, r, a)
	if a.Replay {
		if a.Total, err = c.replaying(ctx, r); err != nil {
			return nil, err
		}
	}
	w.Active, w.Deactivated, w.Reason, w.Activation, w.Replay = true, time.Time{}, "", &a, nil
	return c, nil
}

// follow writes the record that follows the activation, which its runner would do too, and tells how the webhook stands.
func (m *Backlogs) follow(ctx context.Context, w registry.Webhook, r *backlog.Record, revision uint64, c *counter) (Status, error) {
	_, err := m.store.Write(ctx, w.Key(), r, revision)
	if errors.Is(err, record.ErrConflict) {
		*r, _, err = m.store.Upsert(ctx, w.Key(), func(r *backlog.Record) error {
			activate(&w, r, *w.Activation)
			return nil
		})
	}
	if err != nil {
		return Status{}, fmt.Errorf("follow the activation: %w", err)
	}
	fault.At(fault.Followed)
	if err := m.broker.Wake(ctx, w.Key()); err != nil {
		return Status{}, err
	}
	return m.status(ctx, w, r, c)
}

// activate has the record follow an activation. An open range that the record has lost is restored before.
func activate(w *registry.Webhook, r *backlog.Record, a backlog.Activation) {
	restore(w, r)
	r.Activate(a)
}

// lost says whether the record does not know the span of an open range: it went back, or is gone.
func lost(w *registry.Webhook, r *backlog.Record) bool {
	known, open := w.Opened()
	s, spanned := r.OpenSpan()
	return open && (!spanned || s.ID != known.ID)
}

// restore brings back a span that is lost, as a runner would.
func restore(w *registry.Webhook, r *backlog.Record) {
	if lost(w, r) {
		known, _ := w.Opened()
		r.Restore(known.ID, known.From, event.Position{})
	}
}

// edge is the end of what a replay of an inactive webhook sends: the end of the replay window by the stream's own time
// stamps, or the given end of the stream if that comes first.
func (m *Backlogs) edge(ctx context.Context, w registry.Webhook, end event.End) (event.End, error) {
	at := w.Deactivated.Add(m.rules.Window)
	if at.After(m.broker.Now()) {
		return end, nil
	}
	seq, err := m.broker.SequenceAt(ctx, at, end.Seq)
	if err != nil || seq >= end.Seq {
		return end, err
	}
	return event.End{Seq: seq, AsOf: at.Add(-1)}, nil
}
