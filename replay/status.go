package replay

import (
	"context"
	"errors"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// The states of a webhook, as people see them.
const (
	Live       = "live"       // events are attempted as they are published
	Lagging    = "lagging"    // events wait in the webhook's backlog, or may: NATS lost something, and what it had is looked for
	Inactive   = "inactive"   // deactivated: nothing is attempted until somebody activates it
	Unreadable = "unreadable" // the webhook's backlog cannot be read by this version of Saumer
)

// Status is how a webhook does at the moment.
type Status struct {
	// State is Live, Lagging, Inactive or Unreadable. Paused is true of an inactive webhook that a person paused.
	State  string
	Paused bool
	// FailingSince is when the first of the failures was that no success has followed; zero if the last attempt succeeded.
	FailingSince time.Time
	// LastError says in a sentence what the last failure was; empty if the last attempt succeeded.
	LastError string
	// NextAttempt is when the backlog is attempted next; zero if nothing waits for a time.
	NextAttempt time.Time
	// Lag is how many events the webhook is behind: 0 only if none of those that are stored is still to be taken. While events
	// are in flight that count may have some that were taken just now. Buffered is how many a replay would send now. What a filter
	// leaves out counts until it is passed over.
	Lag, Buffered uint64
	// Cursor is the stream sequence from which the backlog reads on; 0 if it reads nothing. Of a backlog that has just
	// begun it is one to come: up to there the live path hands over event by event.
	Cursor uint64
	// KeptUntil is when the retention begins to drop the events that a replay would send; zero if there are none.
	KeptUntil time.Time
	// Gap is the number of stream sequences below the cursor's that the retention has dropped unsent; 0 is none.
	Gap uint64
	// Retries is how many events wait for a retry of their own.
	Retries int
	// Replay is how far the last replay is; nil if there was none since the last activation.
	Replay *Progress
}

// Progress is how far a replay is. A replay that was asked for while another one was under way continues it.
type Progress struct {
	// At is when it began, and Total how many events it then had to send.
	At    time.Time
	Total uint64
	// Done is how many of these are done with: sent, exhausted, or dropped by the retention. It is a count of the
	// stream as of the last checkpoint, and so never too high; it is behind by what was sent since, at most a second's
	// worth, and by what is done above the oldest event that is under way.
	Done uint64
}

// Status tells how a webhook stands. Of a backlog that is not ours to touch it tells no more than why.
func (m *Backlogs) Status(ctx context.Context, w registry.Webhook) (Status, error) {
	// Before the record: what is acknowledged by then is taken, or the record has it.
	now, err := m.moment(ctx)
	if err != nil {
		return Status{}, err
	}
	r, _, err := m.store.Load(ctx, w.Key())
	switch {
	case errors.Is(err, record.ErrNewer):
		return Status{State: Unreadable, LastError: "of its backlog, " + record.ErrNewer.Error()}, nil
	case errors.Is(err, record.ErrUnreadable):
		return Status{State: Unreadable, LastError: "of its backlog, " + record.ErrUnreadable.Error()}, nil
	case errors.Is(err, record.ErrNotFound):
		r = backlog.New()
	case err != nil:
		return Status{}, err
	}
	if lost(&w, &r) {
		// Or the range has ended since the webhook was read.
		if w, err = m.registry.Get(ctx, w.Key()); err != nil {
			return Status{}, err
		}
		restore(&w, &r)
	}
	if err := m.rewind(ctx, &r, now.bounds); err != nil {
		return Status{}, err
	}
	return m.status(ctx, w, &r, newCounter(m.broker, w, now))
}

// status tells how a webhook stands whose record and for whom events are counted.
func (m *Backlogs) status(ctx context.Context, w registry.Webhook, r *backlog.Record, c *counter) (Status, error) {
	s := Status{
		FailingSince: r.Health.Since, LastError: r.Health.Last, Retries: len(r.Retries),
		State: Live,
	}
	if len(r.Spans) > 0 {
		s.Cursor = r.Spans[0].Cursor
	}
	if s.LastError == "" && len(r.Retries) > 0 {
		s.LastError = r.Retries[len(r.Retries)-1].Error
	}
	var err error
	if s.Lag, err = m.lag(ctx, w, r, c); err != nil {
		return s, err
	}
	if s.Replay, err = m.replayed(ctx, w, r, c); err != nil {
		return s, err
	}
	// Where an ordered webhook that misses nothing stands may be long ago.
	if lowest, ok := r.Lowest(); ok && lowest < c.bounds.First && !(r.Ordered && w.Active && s.Lag == 0) {
		s.Gap = c.bounds.First - lowest
	}
	switch {
	case !w.Active:
		return m.inactive(ctx, w, r, s, c)
	case m.broker.Unsure():
		s.State = Lagging
	case r.Ordered && s.Lag == 0:
	case len(r.Pending) > 0 || len(r.Spans) > 0 || r.State == backlog.Leaving:
		s.State = Lagging
	}
	if at, never := r.Due(); !never && !at.IsZero() {
		s.NextAttempt = at
	}
	return s, nil
}

// lag is how many events the webhook is behind: what its backlog holds, what the live path has in flight, and what is to come.
func (m *Backlogs) lag(ctx context.Context, w registry.Webhook, r *backlog.Record, c *counter) (uint64, error) {
	n, err := c.count(ctx, r, event.End{})
	if err != nil {
		return n, err
	}
	from := c.progress.AckFloor + 1
	if before, there := w.RangeByID(registry.RangeBefore); there {
		from = max(from, before.To.Seq)
	}
	next := max(from, c.progress.HandedOut+1)
	flying, err := c.beside(ctx, r, from, next)
	if err != nil {
		return n, err
	}
	coming, err := c.beside(ctx, r, next, 0)
	return n + min(flying, c.progress.InFlight) + coming, err
}

// inactive fills in what a replay would send now, and until when all of it is there.
func (m *Backlogs) inactive(ctx context.Context, w registry.Webhook, r *backlog.Record, s Status, c *counter) (Status, error) {
	s.State, s.Paused = Inactive, w.Reason == backlog.PausedReason
	if s.LastError == "" {
		s.LastError = w.Reason
	}
	until, err := m.edge(ctx, w, event.End{Seq: c.bounds.Next(), AsOf: c.bounds.Last.Time})
	if err != nil {
		return s, err
	}
	if s.Buffered, err = c.count(ctx, r, until); err != nil {
		return s, err
	}
	oldest, err := m.oldest(ctx, w, r)
	s.KeptUntil = oldest.Add(m.retention)
	return s, err
}

// oldest is the time of the oldest event that the backlog holds, or that of the deactivation if it holds none.
func (m *Backlogs) oldest(ctx context.Context, w registry.Webhook, r *backlog.Record) (time.Time, error) {
	at := w.Deactivated
	for p := range r.Waiting() {
		e, err := m.broker.Event(ctx, p.Seq)
		if errors.Is(err, broker.ErrNotFound) {
			continue
		}
		if err != nil {
			return at, err
		}
		at = earlier(at, e.Time)
		break // they are by sequence, and so by time
	}
	if len(r.Spans) > 0 {
		events, err := m.broker.Read(ctx, event.Subject(w.Account, w.Event), r.Spans[0].Cursor, 1)
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

// replayed is how far the webhook's last replay is, nil if there is none.
func (m *Backlogs) replayed(ctx context.Context, w registry.Webhook, r *backlog.Record, c *counter) (*Progress, error) {
	p := Progress{}
	switch a := w.Activation; {
	case w.Replay != nil:
		p.At, p.Total = w.Replay.At, w.Replay.Total
	case a != nil && a.Replay && w.Active:
		p.At, p.Total = a.At, a.Total
	default:
		return nil, nil
	}
	left, err := c.replaying(ctx, r)
	if err != nil {
		return nil, err
	}
	p.Done = p.Total - min(p.Total, left)
	return &p, nil
}
