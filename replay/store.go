package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// store reads and writes the records of the bucket BACKLOGS.
type store struct {
	broker  *broker.Broker
	records record.Store[Backlog]
}

func newStore(b *broker.Broker) store {
	return store{b, record.Store[Backlog]{
		Bucket: b.Backlogs, Name: "backlog",
		Decode: func(e broker.Entry) (Backlog, error) { return decode(e.Key, e.Value) },
		Encode: func(b *Backlog) ([]byte, error) { return json.Marshal(b) },
	}}
}

// load reads a record: record.ErrNotFound if there is none, record.ErrNewer or record.ErrUnreadable if it is not ours to
// touch.
func (s store) load(ctx context.Context, key string) (Backlog, error) {
	b, _, err := s.records.Load(ctx, key)
	return b, err
}

// decode reads a record: record.ErrNewer or record.ErrUnreadable.
func decode(key string, data []byte) (Backlog, error) {
	var b Backlog
	err := record.Decode(data, recordVersion, &b)
	if err == nil && !b.sorted() {
		err = fmt.Errorf("%w: its parts are not in order", record.ErrUnreadable)
	}
	if err != nil {
		return Backlog{}, fmt.Errorf("read the backlog %s: %w", key, err)
	}
	return b, nil
}

// create says what update does where there is no record.
type create bool

const (
	must create = false // it ends with record.ErrNotFound
	may  create = true  // change gets an empty one
)

// update changes a record by compare-and-set, again on conflict, so change must be pure. A record with nothing
// outstanding is removed.
func (s store) update(ctx context.Context, key string, c create, change func(*Backlog) error) (b Backlog, err error) {
	kept := func(b *Backlog) error {
		if err := change(b); err != nil {
			return err
		}
		if b.empty() {
			return record.ErrGone
		}
		return nil
	}
	if c == may {
		b, _, err = s.records.Upsert(ctx, key, func() Backlog { return Backlog{Version: recordVersion} }, kept)
	} else {
		b, _, err = s.records.Update(ctx, key, kept)
	}
	return b, err
}

// remove deletes a record, whatever it holds.
func (s store) remove(ctx context.Context, key string) error { return s.records.Remove(ctx, key) }

// wakeUp has the backlog looked at when it is due.
func (s store) wakeUp(ctx context.Context, key string, b *Backlog) error {
	at, never := b.wake()
	if never {
		return nil
	}
	return s.wakeAt(ctx, key, at)
}

// wakeAt has the backlog looked at, at a time or at once if that has passed.
func (s store) wakeAt(ctx context.Context, key string, at time.Time) error {
	if at.After(s.broker.Now()) {
		return s.broker.WakeAt(ctx, key, at)
	}
	return s.broker.Wake(ctx, key)
}
