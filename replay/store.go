package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// Store keeps the records of backlogs, and wakes who works them off. It is safe for concurrent use.
type Store struct {
	records record.Store[backlog.Record]
	broker  *broker.Broker
}

// NewStore makes the store of a broker.
func NewStore(b *broker.Broker) Store {
	return Store{broker: b, records: record.Store[backlog.Record]{
		Bucket: b.Backlogs, Name: "backlog", Decode: decode, Encode: (*backlog.Record).Encode,
	}}
}

func decode(e broker.Entry) (backlog.Record, error) {
	form, err := record.Form(e.Value, backlog.Form)
	if err != nil {
		return backlog.Record{}, err
	}
	r, err := backlog.Decode(e.Value, form, e.Written)
	if err != nil {
		return backlog.Record{}, fmt.Errorf("%w: %w", record.ErrUnreadable, err)
	}
	return r, nil
}

// Load reads a record with its revision: record.ErrNotFound if there is none, record.ErrNewer or record.ErrUnreadable if it
// is not ours to touch.
func (s Store) Load(ctx context.Context, key string) (backlog.Record, uint64, error) {
	return s.records.Load(ctx, key)
}

// Write writes a record, or removes one with nothing outstanding, if its revision is still this, and returns the new one:
// record.ErrConflict.
func (s Store) Write(ctx context.Context, key string, r *backlog.Record, revision uint64) (uint64, error) {
	switch {
	case !r.Empty():
		return s.records.Write(ctx, key, r, revision)
	case revision == 0:
		return 0, nil
	default:
		return s.records.RemoveAt(ctx, key, revision)
	}
}

// Update changes a record, as record.Store.Update does. One with nothing outstanding is removed.
func (s Store) Update(ctx context.Context, key string, change func(*backlog.Record) error) (backlog.Record, uint64, error) {
	return s.records.Update(ctx, key, orRemove(change))
}

// Upsert is Update, where change gets a new record if there is none.
func (s Store) Upsert(ctx context.Context, key string, change func(*backlog.Record) error) (backlog.Record, uint64, error) {
	return s.records.Upsert(ctx, key, backlog.New, orRemove(change))
}

// orRemove has a record go with which nothing is outstanding after its change.
func orRemove(change func(*backlog.Record) error) func(*backlog.Record) error {
	return func(r *backlog.Record) error {
		if err := change(r); err != nil {
			return err
		}
		if r.Empty() {
			return record.ErrGone
		}
		return nil
	}
}

// Remove removes a record, whatever it holds.
func (s Store) Remove(ctx context.Context, key string) error { return s.records.Remove(ctx, key) }

// Walk calls each with every record, as record.Store.Walk does.
func (s Store) Walk(ctx context.Context, each func(key string, r backlog.Record, err error) error) error {
	return s.records.Walk(ctx, each)
}

// Since calls each with every record that was written after a revision, as record.Store.Since does.
func (s Store) Since(ctx context.Context, revision uint64, each func(key string, r backlog.Record, revision uint64, err error) error) error {
	return s.records.Since(ctx, revision, each)
}

// Wake has a backlog looked at when that is due.
func (s Store) Wake(ctx context.Context, key string, r *backlog.Record) error {
	at, never := r.Wake()
	if never {
		return nil
	}
	return s.WakeAt(ctx, key, at)
}

// WakeAt has a backlog looked at, at a time or at once if that has passed.
func (s Store) WakeAt(ctx context.Context, key string, at time.Time) error {
	if at.After(s.broker.Now()) {
		return s.broker.WakeAt(ctx, key, at)
	}
	return s.broker.Wake(ctx, key)
}
