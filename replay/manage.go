package replay

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// Backlogs is what people see of backlogs and do with them. It is safe for concurrent use.
type Backlogs struct {
	broker            *broker.Broker
	registry          *registry.Registry
	store             store
	window, retention time.Duration
}

// NewBacklogs makes a Backlogs. Window is how long after a deactivation events are kept for a replay, retention how
// long the stream keeps any.
func NewBacklogs(b *broker.Broker, r *registry.Registry, window, retention time.Duration) *Backlogs {
	return &Backlogs{broker: b, registry: r, store: newStore(b), window: window, retention: retention}
}

// ErrOver is returned for the activation after one deactivation, if the webhook is active or was deactivated again.
var ErrOver = errors.New("the webhook was activated since")

// errActive ends an activation of a webhook that is active.
var errActive = errors.New("the webhook is active")

// Activate makes an inactive webhook active again and returns it, with the number of events that a replay sends. A
// webhook that is active stays as it is. Of several callers at once one decides. It returns record.ErrNotFound,
// or record.ErrNewer or record.ErrUnreadable if the webhook or its backlog is not ours to touch.
func (m *Backlogs) Activate(ctx context.Context, key string, replayEvents bool) (registry.Webhook, uint64, error) {
	return m.activate(ctx, key, replayEvents, func(registry.Webhook) error { return nil })
}

// ActivateAfter is Activate for the deactivation of that time alone: it returns ErrOver, and changes nothing, if the
// webhook is active or was deactivated again since.
func (m *Backlogs) ActivateAfter(ctx context.Context, key string, deactivated time.Time, replayEvents bool) (registry.Webhook, uint64, error) {
	return m.activate(ctx, key, replayEvents, func(w registry.Webhook) error {
		if !w.Deactivated.Equal(deactivated) {
			return ErrOver
		}
		return nil
	})
}

// activate activates a webhook if the check of it, active or not, passes.
func (m *Backlogs) activate(ctx context.Context, key string, replayEvents bool, check func(registry.Webhook) error) (registry.Webhook, uint64, error) {
	for {
		w, err := m.registry.Get(ctx, key)
		if err == nil {
			err = check(w)
		}
		if err != nil || w.Active {
			return w, 0, err
		}
		if err := m.check(ctx, key); err != nil {
			return w, 0, err
		}
		bounds, err := m.broker.Bounds(ctx)
		if err != nil {
			return w, 0, err
		}
		from := event.End{Seq: bounds.Next(), AsOf: bounds.Last.Time}
		until := from
		if until.Seq, err = m.edge(ctx, w, from.Seq); err != nil {
			return w, 0, err
		}
		if until.Seq < from.Seq {
			until.AsOf = w.Deactivated.Add(m.window - 1)
		}
		a := registry.Activation{At: m.broker.Now(), Replay: replayEvents, Until: until, From: from, Deactivated: w.Deactivated}
		deactivated := w.Deactivated
		w, err = m.registry.Update(ctx, key, func(w *registry.Webhook) error {
			if w.Active || !w.Deactivated.Equal(deactivated) {
				return errActive
			}
			w.Active, w.Deactivated, w.Reason, w.Activation, w.Replay = true, time.Time{}, "", &a, nil
			return nil
		})
		if errors.Is(err, errActive) {
			continue
		}
		if err != nil {
			return w, 0, err
		}
		fault.At(fault.Activated)
		return m.begin(ctx, w)
	}
}

// check says why a backlog is not ours to touch, or nil; that there is none is no reason.
func (m *Backlogs) check(ctx context.Context, key string) error {
	if _, err := m.store.load(ctx, key); err != nil && !errors.Is(err, record.ErrNotFound) {
		return err
	}
	return nil
}

// begin makes the backlog follow the activation, which its runner would do too.
func (m *Backlogs) begin(ctx context.Context, w registry.Webhook) (registry.Webhook, uint64, error) {
	b, err := m.store.update(ctx, w.Key(), may, func(b *Backlog) error {
		b.activate(*w.Activation)
		return nil
	})
	if err != nil {
		return w, 0, err
	}
	fault.At(fault.Followed)
	var n uint64
	if w.Activation.Replay {
		if w, n, err = m.started(ctx, w, b, w.Activation.At); err != nil {
			return w, 0, err
		}
	}
	return w, n, m.broker.Wake(ctx, w.Key())
}

// edge is the first sequence that a replay would not send: the end of the replay window by the stream's own time
// stamps, or the given end if that comes first.
func (m *Backlogs) edge(ctx context.Context, w registry.Webhook, end uint64) (uint64, error) {
	at := w.Deactivated.Add(m.window)
	if at.After(m.broker.Now()) {
		return end, nil
	}
	seq, err := m.broker.SequenceAt(ctx, at)
	return min(seq, end), err
}

// count is the exact number of events that the backlog holds below a sequence, 0 for the end of the stream, and that
// the stream still has.
func (m *Backlogs) count(ctx context.Context, w registry.Webhook, b Backlog, below uint64) (uint64, error) {
	bounds, err := m.broker.Bounds(ctx)
	if err != nil {
		return 0, err
	}
	n := uint64(0)
	for seq := range b.waiting() {
		// What a span has too is counted there.
		if seq >= bounds.First && seq < orEnd(below) && !slices.ContainsFunc(b.Spans, func(s Span) bool { return s.holds(seq) }) {
			n++
		}
	}
	for _, s := range b.Spans {
		to := min(orEnd(s.To), orEnd(below))
		in, err := m.broker.Count(ctx, event.Subject(w.Account, w.Event), s.Next, to)
		if err != nil {
			return 0, err
		}
		n += in
	}
	return n, nil
}

// orEnd is the sequence, or the largest one for 0, the end of the stream.
func orEnd(seq uint64) uint64 {
	if seq == 0 {
		return ^uint64(0)
	}
	return seq
}

// Delete removes a webhook with its backlog and its log; when it returns, this node begins no attempt any more, and
// other nodes within the time that the news takes. A backlog that cannot be read goes too; one of a newer version does
// not. It returns record.ErrNotFound, record.ErrNewer or, for the webhook alone, record.ErrUnreadable.
func (m *Backlogs) Delete(ctx context.Context, key string) error {
	if err := m.check(ctx, key); err != nil && !errors.Is(err, record.ErrUnreadable) {
		return err
	}
	if err := m.registry.Delete(ctx, key); err != nil {
		return err
	}
	return errors.Join(m.store.remove(ctx, key), m.broker.Forget(ctx, key))
}

// Status tells how a webhook stands. Of a backlog that is not ours to touch it tells no more than why.
func (m *Backlogs) Status(ctx context.Context, w registry.Webhook) (Status, error) {
	s := Status{State: Live}
	b, err := m.store.load(ctx, w.Key())
	switch {
	case errors.Is(err, record.ErrNewer):
		return Status{State: Unreadable, LastError: "of its backlog, " + record.ErrNewer.Error()}, nil
	case errors.Is(err, record.ErrUnreadable):
		return Status{State: Unreadable, LastError: "of its backlog, " + record.ErrUnreadable.Error()}, nil
	}
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return s, err
	}
	s.FailingSince, s.LastError, s.Retries = b.Health.Since, b.Health.Last, len(b.Retries)
	if len(b.Spans) > 0 {
		s.Cursor = b.Spans[0].Next
	}
	if s.LastError == "" && len(b.Retries) > 0 {
		s.LastError = b.Retries[len(b.Retries)-1].Error
	}
	if s.Lag, err = m.count(ctx, w, b, 0); err != nil {
		return s, err
	}
	if len(b.Spans) == 0 {
		position, err := m.broker.Progress(ctx)
		if err != nil {
			return s, err
		}
		n, err := m.broker.Count(ctx, event.Subject(w.Account, w.Event), position.HandedOut+1, 0)
		if err != nil {
			return s, err
		}
		s.Lag += n
	}
	if s.Replay, err = m.progress(ctx, w, b); err != nil {
		return s, err
	}
	bounds, err := m.broker.Bounds(ctx)
	if err != nil {
		return s, err
	}
	// Where an ordered webhook that misses nothing stands may be long ago.
	if position, ok := b.lowest(); ok && position < bounds.First && !(b.Ordered && w.Active && s.Lag == 0) {
		s.Gap = bounds.First - position
	}
	switch {
	case !w.Active:
		return m.inactive(ctx, w, b, s, bounds.Next())
	case b.Ordered && s.Lag == 0:
	case len(b.Pending) > 0 || len(b.Spans) > 0 || b.Want:
		s.State = Lagging
	}
	if at, never := b.due(); !never && !at.IsZero() {
		s.NextAttempt = at
	}
	return s, nil
}

// inactive fills in what a replay would send now, and until when all of it is there.
func (m *Backlogs) inactive(ctx context.Context, w registry.Webhook, b Backlog, s Status, next uint64) (Status, error) {
	s.State = Inactive
	if s.LastError == "" {
		s.LastError = w.Reason
	}
	until, err := m.edge(ctx, w, next)
	if err != nil {
		return s, err
	}
	if s.Buffered, err = m.count(ctx, w, b, until); err != nil {
		return s, err
	}
	oldest, err := m.oldest(ctx, w, b)
	s.KeptUntil = oldest.Add(m.retention)
	return s, err
}

// oldest is the time of the oldest event that the backlog holds, or that of the deactivation if it holds none.
func (m *Backlogs) oldest(ctx context.Context, w registry.Webhook, b Backlog) (time.Time, error) {
	at := w.Deactivated
	for seq := range b.waiting() {
		e, err := m.broker.Event(ctx, seq)
		if errors.Is(err, broker.ErrNotFound) {
			continue
		}
		if err != nil {
			return at, err
		}
		at = earlier(at, e.Time)
		break // they are by sequence, and so by time
	}
	if len(b.Spans) > 0 {
		events, err := m.broker.Read(ctx, event.Subject(w.Account, w.Event), b.Spans[0].Next, 1)
		if err != nil {
			return at, err
		}
		if len(events) > 0 {
			at = earlier(at, events[0].Time)
		}
	}
	return at, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
