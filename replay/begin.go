package replay

import (
	"context"
	"errors"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Start is where in the past a new webhook begins: at a time, or, if that is zero, at a sequence of the stream.
type Start struct {
	Time     time.Time
	Sequence uint64
}

// Begin has a new webhook work off, as a replay, what the stream holds from a start on and up to where the webhook's live path
// begins. It returns backlog.ErrTooMany or an error of NATS, and then nothing is worked off.
func (m *Backlogs) Begin(ctx context.Context, w registry.Webhook, from Start) (Replayed, error) {
	before, ok := w.RangeByID(registry.RangeBefore)
	if !ok {
		return Replayed{}, nil // it has been active for so long that the range is gone: it is not new
	}
	bounds, err := m.broker.Bounds(ctx)
	if err != nil {
		return Replayed{}, err
	}
	p := period{low: from.Sequence, end: event.End{Seq: before.To.Seq, AsOf: before.To.AsOf}, bounds: bounds}
	if !from.Time.IsZero() {
		if p.low, err = m.broker.SequenceAt(ctx, from.Time, p.end.Seq); err != nil {
			return Replayed{}, err
		}
	}
	if first := bounds.First; first > 1 && p.low <= first {
		oldest, err := m.broker.Event(ctx, first)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return Replayed{}, err
		}
		if p.low < first || !from.Time.IsZero() && oldest.Time.After(from.Time) {
			p.kept = oldest.Time
		}
	}
	p.low = max(p.low, bounds.First)
	return m.again(ctx, w, p)
}
