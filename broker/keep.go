package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// loadMark reads what is written down, and its revision: the zero mark and 0 if nothing is. One that cannot be read is as
// good as none; one of a newer form is left to the version that wrote it, by its Form.
func (b *Broker) loadMark(ctx context.Context) (m mark, revision uint64, err error) {
	entry, err := b.positions.Get(ctx, markKey)
	if errors.Is(err, ErrNoKey) {
		return mark{}, 0, nil
	}
	if err != nil {
		return mark{}, 0, err
	}
	if err := json.Unmarshal(entry.Value, &m); err != nil || m.Form > markForm {
		b.options.Log.Warn("the mark of the consumer "+dispatchName+" cannot be read", zap.Int("form", m.Form), zap.Error(err))
		return mark{Form: m.Form}, entry.Revision, nil
	}
	return m, entry.Revision, nil
}

// saveMark brings the mark up to what NATS has, and writes it down. If NATS has less than it had, that is a doubt, and the
// mark stays as it is.
func (b *Broker) saveMark(ctx context.Context) error {
	own := b.watch.own()
	if own.Made.IsZero() {
		return nil // nothing was handed out
	}
	info, err := b.dispatch.Info(ctx)
	if err != nil {
		return fmt.Errorf("ask the consumer %s how far it is: %w", dispatchName, err)
	}
	if info.Created.Equal(own.Made) {
		own.Floor = info.AckFloor.Stream
	}
	kept, _, err := b.loadMark(ctx)
	if err != nil {
		return err
	}
	now := b.Now()
	streams, err := b.extents(ctx)
	if err != nil {
		return err
	}
	known := own.merged(kept)
	if len(lostStreams(known.Streams, streams)) > 0 {
		if b.watch.own().Noted.Equal(own.Noted) { // a check may have found out meanwhile
			b.lost()
		}
		return nil
	}
	trail := known.Trail
	if costs := b.costs(); info.Created.Equal(known.Made) && trail.due(now, costs) && !trail.settled(info.AckFloor.Stream, costs) {
		floor, err := b.positionOf(ctx, info.AckFloor.Stream)
		if errors.Is(err, ErrNotFound) {
			floor = event.Position{Seq: info.AckFloor.Stream} // the retention dropped it
		} else if err != nil {
			return err
		}
		trail = trail.with(note{At: now, Floor: floor}, costs)
	}
	b.watch.change(func(m *mark) {
		if m.Setback.Number != known.Setback.Number || !m.Made.Equal(own.Made) {
			return // another check was made meanwhile
		}
		b.watch.renewed(m.Streams, streams)
		m.Floor, m.Noted, m.Streams, m.Trail = own.Floor, now, streams, trail
	})
	return b.writeMark(ctx)
}

// quiet says whether nothing is to be noted any more until another event is handed out.
func (b *Broker) quiet() bool {
	m := b.watch.own()
	return m.Made.IsZero() || m.Trail.settled(m.Floor, b.costs())
}

// writeMark writes the mark down, unless another process has written a later one meanwhile.
func (b *Broker) writeMark(ctx context.Context) error {
	kept, revision, err := b.loadMark(ctx)
	if err != nil || kept.Form > markForm {
		return err
	}
	merged := b.watch.own().merged(kept)
	merged.Form = markForm
	value, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	if was, err := json.Marshal(kept); err != nil || bytes.Equal(was, value) {
		return err
	}
	if _, err = b.positions.Put(ctx, markKey, value, revision); errors.Is(err, ErrChanged) {
		return nil
	}
	return err
}
