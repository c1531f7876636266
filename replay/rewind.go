package replay

import (
	"context"
	"errors"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
)

// rewind moves back the cursors of spans whose anchors the stream does not have any more, as the next runner will: the stream
// went back, and what it has below such a cursor is still to come.
func (m *Backlogs) rewind(ctx context.Context, r *backlog.Record, bounds broker.Bounds) error {
	for i := range r.Spans {
		s := &r.Spans[i]
		if s.Anchor.Seq == 0 || s.Anchor.Seq < bounds.First {
			continue // the retention, which dropped the anchor, proves nothing
		}
		e, err := m.broker.Event(ctx, s.Anchor.Seq)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return err
		}
		if err == nil && e.Position().Is(s.Anchor) {
			continue
		}
		cursor, err := m.broker.SequenceAt(ctx, s.Anchor.Time.Add(time.Nanosecond), bounds.Next())
		if err != nil {
			return err
		}
		if cursor = max(cursor, s.From); cursor < s.Cursor {
			s.Cursor = cursor
		}
	}
	return nil
}
