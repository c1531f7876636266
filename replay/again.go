package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Redeliver has an event sent again to an active webhook, through its backlog and marked as a replay; it need not have
// failed. It returns record.ErrNotFound, ErrInactive, ErrForeign, ErrLeftOut, ErrDropped or backlog.ErrOnTheWay. Once the backlog has the
// event it returns no error.
func (m *Backlogs) Redeliver(ctx context.Context, key string, seq uint64) error {
	w, err := m.active(ctx, key)
	if err != nil {
		return err
	}
	e, err := m.broker.Event(ctx, seq)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return ErrDropped
	case err != nil:
		return err
	case e.Account != w.Account || !w.Takes(e.Name):
		return ErrForeign
	}
	interest, err := w.Interest()
	if err != nil {
		return err
	}
	if interest.LeavesOut(&e) {
		return ErrLeftOut
	}
	progress, err := m.broker.Progress(ctx)
	if err != nil {
		return err
	}
	if seq > progress.HandedOut {
		return backlog.ErrOnTheWay
	}
	if _, _, err := m.store.Upsert(ctx, key, func(r *backlog.Record) error { return r.Redeliver(e.Position()) }); err != nil {
		return err
	}
	m.wake(ctx, key)
	return nil
}

// wake has a backlog looked at that has something new. If that fails, the next sweep does.
func (m *Backlogs) wake(ctx context.Context, key string) { _ = m.broker.Wake(ctx, key) }

// active is the webhook of a key, if it is active: record.ErrNotFound or ErrInactive.
func (m *Backlogs) active(ctx context.Context, key string) (registry.Webhook, error) {
	w, err := m.registry.Get(ctx, key)
	if err == nil && !w.Active {
		err = ErrInactive
	}
	return w, err
}

// Replayed is what a replay on demand comes to.
type Replayed struct {
	// Events is how many of the period are sent. Those that the backlog holds already are sent anyway, and not counted, unless
	// NATS failed before they were told apart.
	Events uint64
	// Kept is when the oldest event was published that the stream holds, if the period begins before it and something
	// was dropped; else zero. What the period had before is gone; how many these were is not known any more.
	Kept time.Time
}

// Replay sends the events that were published in [from, to), by the stream's time stamps, to an active webhook once
// more, marked as a replay, whether they were taken or not; also those from before the webhook was made. What the live
// path has not come to is left to it. It returns record.ErrNotFound, ErrInactive or backlog.ErrTooMany. Once the backlog has
// the period it returns no error.
func (m *Backlogs) Replay(ctx context.Context, key string, from, to time.Time) (Replayed, error) {
	w, err := m.active(ctx, key)
	if err != nil {
		return Replayed{}, err
	}
	p, err := m.period(ctx, from, to)
	if err != nil {
		return Replayed{}, err
	}
	return m.again(ctx, w, p)
}

// again has a webhook's backlog send what a period has: backlog.ErrTooMany. Once the backlog has the period it returns no error.
func (m *Backlogs) again(ctx context.Context, w registry.Webhook, p period) (Replayed, error) {
	key := w.Key()
	done, c := Replayed{Kept: p.kept}, newCounter(m.broker, w, moment{bounds: p.bounds})
	if p.low >= p.end.Seq {
		return done, nil
	}
	all, err := c.between(ctx, p.low, p.end.Seq)
	if err != nil || all == 0 {
		return done, err
	}
	at := m.broker.Now()
	r, _, err := m.store.Upsert(ctx, key, func(r *backlog.Record) error { return r.ReplayAgain(at.UnixNano(), p.low, p.end) })
	if err != nil {
		return done, err
	}
	// It is under way from here on. What fails costs a count, the progress, or a minute until the next sweep.
	if done.Events, err = m.sent(ctx, &r, at, c); err != nil {
		done.Events = all
	}
	_ = m.begun(ctx, w, &r, at, c)
	m.wake(ctx, key)
	return done, nil
}

// sent counts what a replay on demand sends.
func (m *Backlogs) sent(ctx context.Context, r *backlog.Record, at time.Time, c *counter) (events uint64, err error) {
	for _, s := range r.Spans {
		if s.Replay != at.UnixNano() {
			continue
		}
		n, err := c.span(ctx, s, event.End{})
		if err != nil {
			return 0, err
		}
		events += n
	}
	return events, nil
}

// begun notes in the webhook's record with how many events a replay on demand begins: progress is told from it. A crash
// or an error before it costs the progress, not the replay.
func (m *Backlogs) begun(ctx context.Context, w registry.Webhook, r *backlog.Record, at time.Time, c *counter) error {
	n, err := c.replaying(ctx, r)
	if err != nil {
		return err
	}
	if _, err = m.registry.Update(ctx, w.Key(), func(w *registry.Webhook) error {
		w.Replay = &registry.Replay{At: at, Total: n}
		return nil
	}); err != nil && !errors.Is(err, registry.ErrUnindexed) {
		return fmt.Errorf("note the replay: %w", err)
	}
	return nil
}

// period is a part of the stream that was published in a time and that the live path is past. Kept is as in Replayed.
type period struct {
	low    uint64
	end    event.End
	kept   time.Time
	bounds broker.Bounds
}

// period finds what was published in [from, to).
func (m *Backlogs) period(ctx context.Context, from, to time.Time) (p period, err error) {
	now, err := m.moment(ctx)
	if err != nil {
		return p, err
	}
	p.bounds = now.bounds
	if p.low, err = m.broker.SequenceAt(ctx, from, now.bounds.Next()); err != nil {
		return p, err
	}
	high, err := m.broker.SequenceAt(ctx, to, now.bounds.Next())
	if err != nil {
		return p, err
	}
	p.end = event.End{Seq: min(high, now.progress.HandedOut+1), AsOf: now.bounds.Last.Time}
	if first := now.bounds.First; first > 1 && p.low <= first {
		oldest, err := m.broker.Event(ctx, first)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return p, err
		}
		if oldest.Time.After(from) {
			p.kept = oldest.Time
		}
	}
	return p, nil
}
