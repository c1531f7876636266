package registry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// counter is the key in the bucket WEBHOOKS that holds the last id given; a webhook's key always has a dot.
const counter = "last"

// drawnKey is the key in the bucket POSITIONS that holds the last id, too: the two buckets are seldom restored from one copy.
const drawnKey = "webhooks"

// nextID draws the next id. No id is given twice: the counter is raised before an id is used, and whatever backup the
// counter is from, the id is higher than that of every webhook which the bucket has, or has had as far as this process
// or the index saw.
//
// What cannot be known: ids that were given after the copy was made which the bucket was restored from, if no process has
// lived on and Redis has lost what it noted of them, or the index is kept in the process.
func (r *Registry) nextID(ctx context.Context) (uint64, error) {
	highest, err := r.index.highestID(ctx)
	if err != nil {
		return 0, fmt.Errorf("draw an id: %w", err)
	}
	noted, _, err := r.noted.Load(ctx, drawnKey)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return 0, fmt.Errorf("draw an id: %w", err)
	}
	highest = max(highest, noted)
	id, _, err := r.index.ids.Upsert(ctx, counter, func() uint64 { return 0 }, func(id *uint64) error {
		last := max(*id, highest)
		if last == math.MaxUint64 {
			return errors.New("all ids are used")
		}
		*id = last + 1
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("draw an id: %w", err)
	}
	if _, _, err := r.noted.Upsert(ctx, drawnKey, func() uint64 { return 0 }, func(last *uint64) error {
		if *last >= id {
			return record.ErrUnchanged
		}
		*last = id
		return nil
	}); err != nil {
		return 0, fmt.Errorf("note an id: %w", err)
	}
	r.index.drawn(id)
	return id, nil
}

// decodeCounter reads the counter, which is a plain number: record.ErrUnreadable, or record.ErrNewer for any form that
// names itself.
func decodeCounter(e broker.Entry) (uint64, error) {
	id, err := strconv.ParseUint(string(e.Value), 10, 64)
	if err == nil {
		return id, nil
	}
	if _, formErr := record.Form(e.Value, 0); errors.Is(formErr, record.ErrNewer) {
		return 0, formErr
	}
	return 0, fmt.Errorf("%w: %w", record.ErrUnreadable, err)
}

func encodeCounter(id *uint64) ([]byte, error) { return strconv.AppendUint(nil, *id, 10), nil }
