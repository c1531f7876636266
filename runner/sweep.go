package runner

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

const (
	// overdue is by how much the time of a backlog must have passed for its wake to count as lost.
	overdue = 20 * time.Second
	// rarely is how many sweeps go by until all records are read, not only those that were written meanwhile.
	rarely = 10
)

// sweeper looks for backlogs whose wake was lost: by a crash between two writes, or with a loss of power. It knows of each
// backlog what that takes, and reads what was written since it looked last. So a backlog that only waits costs nothing.
type sweeper struct {
	*Worker
	backlogs map[string]standing
	// read says up to where the buckets were read; zero for from the beginning.
	read struct{ backlogs, webhooks position }
	// sweeps counts those that came to their end.
	sweeps int
}

// position is one in a bucket: a revision, and when the bucket was made.
type position struct {
	revision uint64
	made     time.Time
}

// standing is where a backlog stands: when it is to be looked at next, or never before something happens; whether it has an
// open span; whether it is that of an inactive webhook; and why it, or its webhook, cannot be read.
type standing struct {
	at                  time.Time
	never, open, parked bool
	unreadable, webhook error
}

// standingOf is where the backlog of a record stands.
func standingOf(r *backlog.Record, err error) standing {
	if err != nil {
		return standing{unreadable: err, never: true}
	}
	s := standing{parked: r.State == backlog.Parked}
	_, s.open = r.OpenSpan()
	s.at, s.never = r.Wake()
	if r.Lease.Owner != "" {
		// Nobody gave it back: its runner is at work, or has crashed, and left who knows what.
		s.at, s.never = r.Lease.Until, false
	}
	return s
}

// sweeps looks for backlogs whose wake was lost, at start and then by and by.
func (w *Worker) sweeps(ctx context.Context) {
	s := &sweeper{Worker: w}
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			w.options.Log.Warn("backlogs were not looked at for lost wakes", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-w.lostAll:
			s.sweeps = 0
		case <-time.After(w.options.Sweep):
		}
	}
}

// sweep wakes the backlogs that are late. The first time nobody knows what a crash has left: each is woken at its time.
func (s *sweeper) sweep(ctx context.Context) error {
	// Asked for the sake of its clock, too: a machine that slept does not know.
	if _, err := s.options.Broker.Bounds(ctx); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	now, first := s.options.Broker.Now(), s.sweeps == 0
	if err := s.readBacklogs(ctx); err != nil {
		return err
	}
	if err := s.readWebhooks(ctx); err != nil {
		return err
	}
	for key, b := range s.backlogs {
		if err := s.look(ctx, key, b, now, first); err != nil {
			return err
		}
	}
	s.sweeps++
	return nil
}

// begin has all be read again where a bucket went back or was made anew, and now and then.
func (s *sweeper) begin(ctx context.Context) error {
	again := s.sweeps%rarely == 0
	buckets := []*broker.Bucket{s.options.Broker.Backlogs, s.options.Broker.Webhooks}
	read := []*position{&s.read.backlogs, &s.read.webhooks}
	for i, bucket := range buckets {
		state, err := bucket.State(ctx)
		if err != nil {
			return err
		}
		again = again || state.Last < read[i].revision || !state.Made.Equal(read[i].made)
		read[i].made = state.Made
	}
	if again {
		s.backlogs, s.read.backlogs.revision, s.read.webhooks.revision = map[string]standing{}, 0, 0
	}
	return nil
}

// readBacklogs reads the backlogs that were written since the last time.
func (s *sweeper) readBacklogs(ctx context.Context) error {
	read := &s.read.backlogs
	return s.store.Since(ctx, read.revision, func(key string, r backlog.Record, revision uint64, err error) error {
		if read.revision = revision; errors.Is(err, record.ErrNotFound) {
			delete(s.backlogs, key)
		} else {
			s.backlogs[key] = standingOf(&r, err)
		}
		return nil
	})
}

// readWebhooks reads the webhooks that were written since the last time, and wakes the backlogs that have not followed: an
// activation or a removal that did not come as far as the backlog, or a range that is open while its span is gone.
func (s *sweeper) readWebhooks(ctx context.Context) error {
	from, all, there := s.read.webhooks.revision, s.read.webhooks.revision == 0, map[string]bool{}
	err := s.options.Registry.Since(ctx, from, func(key string, w registry.Webhook, revision uint64, err error) error {
		from = revision
		b, known := s.backlogs[key]
		_, open := w.Opened()
		gone := errors.Is(err, record.ErrNotFound)
		if all && known && !gone {
			there[key] = true
		}
		if known && !gone {
			b.webhook = err
			s.backlogs[key] = b
		}
		switch {
		case gone && known, err == nil && w.Active && b.parked:
			return s.options.Broker.Rewake(ctx, key, time.Time{})
		case err == nil && open && !b.open && b.unreadable == nil:
			return s.lost(ctx, key)
		}
		return nil
	})
	for key, b := range s.backlogs {
		if err == nil && all && b.parked && !there[key] {
			err = s.options.Broker.Rewake(ctx, key, time.Time{})
		}
	}
	if err == nil {
		s.read.webhooks.revision = from
	}
	return err
}

// lost wakes a backlog whose span is gone, with the record or without it, though the webhook's range is open; unless it was
// opened meanwhile.
func (s *sweeper) lost(ctx context.Context, key string) error {
	r, _, err := s.store.Load(ctx, key)
	if _, open := r.OpenSpan(); open || errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
		return nil
	}
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return err
	}
	return s.options.Broker.Rewake(ctx, key, time.Time{})
}

// look wakes a backlog if its wake is lost by all that is known; the first time, at its time.
func (s *sweeper) look(ctx context.Context, key string, b standing, now time.Time, first bool) error {
	switch why := cmp.Or(b.unreadable, b.webhook); {
	case why != nil:
		s.options.Log.Error("a backlog is left as it is", zap.String("webhook", key), zap.Error(why))
	case b.never, s.has(key):
	case first && b.at.After(now):
		return s.options.Broker.Rewake(ctx, key, b.at)
	case first, !b.at.Add(overdue).After(now):
		return s.options.Broker.Rewake(ctx, key, time.Time{})
	}
	return nil
}
