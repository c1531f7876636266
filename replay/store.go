package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
)

// errUnchanged is returned by a change that leaves the record as it is; update then writes nothing.
var errUnchanged = errors.New("unchanged")

// store reads and writes the records of the bucket BACKLOGS.
type store struct{ broker *broker.Broker }

// load reads a record: registry.ErrNotFound if there is none, registry.ErrNewer or registry.ErrUnreadable if it is
// not ours to touch.
func (s store) load(ctx context.Context, key string) (Backlog, error) {
	value, revision, err := s.broker.Get(ctx, s.broker.Backlogs, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Backlog{}, fmt.Errorf("backlog %s: %w", key, registry.ErrNotFound)
	}
	if err != nil {
		return Backlog{}, fmt.Errorf("load the backlog %s: %w", key, err)
	}
	return decode(key, value, revision)
}

// decode reads a record: registry.ErrNewer or registry.ErrUnreadable.
func decode(key string, data []byte, revision uint64) (Backlog, error) {
	var b Backlog
	err := registry.DecodeRecord(data, recordVersion, &b)
	if err == nil && !b.sorted() {
		err = fmt.Errorf("%w: its parts are not in order", registry.ErrUnreadable)
	}
	if err != nil {
		return Backlog{}, fmt.Errorf("read the backlog %s: %w", key, err)
	}
	b.revision = revision
	return b, nil
}

// create says what update does where there is no record.
type create bool

const (
	must create = false // it ends with registry.ErrNotFound
	may  create = true  // change gets an empty one
)

// update changes a record by compare-and-set, again on conflict, so change must be pure. A record with nothing
// outstanding is removed.
func (s store) update(ctx context.Context, key string, c create, change func(*Backlog) error) (Backlog, error) {
	for try := 0; ; try++ {
		b, err := s.load(ctx, key)
		if errors.Is(err, registry.ErrNotFound) && c == may {
			b, err = Backlog{Version: recordVersion}, nil
		}
		if err != nil {
			return Backlog{}, err
		}
		if err := change(&b); errors.Is(err, errUnchanged) {
			return b, nil
		} else if err != nil {
			return Backlog{}, err
		}
		err = s.write(ctx, key, &b)
		if !registry.Conflict(err) {
			return b, err
		}
		if err := registry.Pause(ctx, try); err != nil {
			return Backlog{}, err
		}
	}
}

func (s store) write(ctx context.Context, key string, b *Backlog) (err error) {
	if b.empty() {
		if b.revision == 0 {
			return nil
		}
		b.revision, err = s.broker.Purge(ctx, s.broker.Backlogs, key, b.revision)
		return err
	}
	data, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("write the backlog %s: %w", key, err)
	}
	if b.revision == 0 {
		b.revision, err = s.broker.Backlogs.Create(ctx, key, data)
	} else {
		b.revision, err = s.broker.Backlogs.Update(ctx, key, data, b.revision)
	}
	if err != nil {
		return fmt.Errorf("write the backlog %s: %w", key, err)
	}
	return nil
}

// remove deletes a record, whatever it holds.
func (s store) remove(ctx context.Context, key string) error {
	for try := 0; ; try++ {
		_, revision, err := s.broker.Get(ctx, s.broker.Backlogs, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load the backlog %s: %w", key, err)
		}
		if _, err = s.broker.Purge(ctx, s.broker.Backlogs, key, revision); !registry.Conflict(err) {
			return err
		}
		if err := registry.Pause(ctx, try); err != nil {
			return err
		}
	}
}

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
