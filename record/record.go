// Package record keeps records: one for a key of a bucket, each a JSON object that names its form, and every change of one
// a compare-and-set.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/saumer/saumer/broker"
)

// Errors for callers; match them with errors.Is.
var (
	// ErrNotFound is returned for a record that is not there.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned for a record that is to be created and is there.
	ErrExists = errors.New("exists already")
	// ErrNewer is returned for a record that a newer version of Saumer wrote. It is left as it is.
	ErrNewer = errors.New("the record was written by a newer version of Saumer")
	// ErrUnreadable is returned for a record that no version of Saumer wrote. It is left as it is.
	ErrUnreadable = errors.New("the record cannot be read")
	// ErrConflict is returned where somebody else has changed the record meanwhile.
	ErrConflict = errors.New("the record keeps changing; try again")
)

// What a change returns instead of an error to say what becomes of the record.
var (
	// ErrUnchanged leaves the record as it is: nothing is written.
	ErrUnchanged = errors.New("the record stays as it is")
	// ErrGone removes the record.
	ErrGone = errors.New("the record goes")
)

// tries bounds the rounds of a compare-and-set.
const tries = 100

// Bucket is where records are kept; *broker.Bucket is one, and says what each method does.
type Bucket interface {
	Get(ctx context.Context, key string) (broker.Entry, error)
	Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Remove(ctx context.Context, key string, revision uint64) (uint64, error)
	Since(ctx context.Context, revision uint64, each func(broker.Entry) error) error
	Walk(ctx context.Context, each func(broker.Entry) error) error
}

// Store keeps the records of one kind. It is safe for concurrent use.
type Store[T any] struct {
	Bucket Bucket
	// Name is what one record is called in errors, such as "webhook".
	Name string
	// Decode makes a record of what the bucket holds; its errors are ErrNewer and ErrUnreadable. See Form.
	Decode func(broker.Entry) (T, error)
	// Encode is what the bucket is to hold; an error of it means that the record is one that must not be written.
	Encode func(*T) ([]byte, error)
}

// Load reads a record, from the bucket's leader, with its revision: ErrNotFound, ErrNewer or ErrUnreadable.
func (s Store[T]) Load(ctx context.Context, key string) (T, uint64, error) {
	var none T
	entry, err := s.Bucket.Get(ctx, key)
	if errors.Is(err, broker.ErrNoKey) {
		return none, 0, fmt.Errorf("%s %s: %w", s.Name, key, ErrNotFound)
	}
	if err != nil {
		return none, 0, fmt.Errorf("load the %s %s: %w", s.Name, key, err)
	}
	value, err := s.Decode(entry)
	if err != nil {
		return none, entry.Revision, fmt.Errorf("load the %s %s: %w", s.Name, key, err)
	}
	return value, entry.Revision, nil
}

// Create writes a record that is not there, and returns its revision: ErrExists.
func (s Store[T]) Create(ctx context.Context, key string, value T) (uint64, error) {
	revision, err := s.Write(ctx, key, &value, 0)
	if errors.Is(err, ErrConflict) {
		return 0, fmt.Errorf("%s %s: %w", s.Name, key, ErrExists)
	}
	return revision, err
}

// Write writes a record if its revision is still this, 0 for one that is not there, and returns the new one: ErrConflict.
func (s Store[T]) Write(ctx context.Context, key string, value *T, revision uint64) (uint64, error) {
	data, err := s.Encode(value)
	if err != nil {
		return 0, fmt.Errorf("write the %s %s: %w", s.Name, key, err)
	}
	revision, err = s.Bucket.Put(ctx, key, data, revision)
	return revision, s.changed(key, err)
}

// RemoveAt removes a record if its revision is still this, and returns the revision of the removal: ErrConflict.
func (s Store[T]) RemoveAt(ctx context.Context, key string, revision uint64) (uint64, error) {
	revision, err := s.Bucket.Remove(ctx, key, revision)
	return revision, s.changed(key, err)
}

func (s Store[T]) changed(key string, err error) error {
	if errors.Is(err, broker.ErrChanged) {
		return fmt.Errorf("write the %s %s: %w", s.Name, key, ErrConflict)
	}
	return err
}

// Update changes a record: it loads it, applies change, and writes by compare-and-set, all again on a conflict. So change
// must be pure. It returns what change made of the record, with the revision that the bucket then has. If change returns
// ErrUnchanged, nothing is written; if it returns ErrGone, the record is removed; any other error of it is returned, and
// nothing is written. Besides, Update returns ErrNotFound, ErrNewer, ErrUnreadable, or ErrConflict once it gives up.
func (s Store[T]) Update(ctx context.Context, key string, change func(*T) error) (T, uint64, error) {
	return s.update(ctx, key, nil, change)
}

// Upsert is Update, where change gets what fresh makes if there is no record. Then ErrUnchanged and ErrGone write nothing,
// and the revision is 0.
func (s Store[T]) Upsert(ctx context.Context, key string, fresh func() T, change func(*T) error) (T, uint64, error) {
	return s.update(ctx, key, fresh, change)
}

func (s Store[T]) update(ctx context.Context, key string, fresh func() T, change func(*T) error) (value T, revision uint64, err error) {
	for try := range tries {
		value, revision, err = s.Load(ctx, key)
		if errors.Is(err, ErrNotFound) && fresh != nil {
			value, revision, err = fresh(), 0, nil
		}
		if err != nil {
			return value, 0, err
		}
		revision, err = s.follow(ctx, key, &value, revision, change(&value))
		if !errors.Is(err, ErrConflict) {
			return value, revision, err
		}
		if err := pause(ctx, try); err != nil {
			return value, 0, err
		}
	}
	return value, 0, err
}

// follow does with a record what its change has returned.
func (s Store[T]) follow(ctx context.Context, key string, value *T, revision uint64, said error) (uint64, error) {
	switch {
	case said == nil:
		return s.Write(ctx, key, value, revision)
	case errors.Is(said, ErrUnchanged), errors.Is(said, ErrGone) && revision == 0:
		return revision, nil
	case errors.Is(said, ErrGone):
		return s.RemoveAt(ctx, key, revision)
	default:
		return 0, said
	}
}

// Remove removes a record, whatever it holds; one that is not there is no error.
func (s Store[T]) Remove(ctx context.Context, key string) error {
	for try := range tries {
		entry, err := s.Bucket.Get(ctx, key)
		if errors.Is(err, broker.ErrNoKey) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("remove the %s %s: %w", s.Name, key, err)
		}
		if _, err = s.RemoveAt(ctx, key, entry.Revision); !errors.Is(err, ErrConflict) {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
	return fmt.Errorf("remove the %s %s: %w", s.Name, key, ErrConflict)
}

// Walk calls each with every record, oldest first, until it returns an error; err is why a record cannot be read. A record
// may be a little old.
func (s Store[T]) Walk(ctx context.Context, each func(key string, value T, err error) error) error {
	return s.Bucket.Walk(ctx, func(e broker.Entry) error {
		value, err := s.Decode(e)
		return each(e.Key, value, err)
	})
}

// Since is Walk over what was written after a revision, with the revision of each; err is ErrNotFound for a record that was
// removed.
func (s Store[T]) Since(ctx context.Context, revision uint64, each func(key string, value T, revision uint64, err error) error) error {
	return s.Bucket.Since(ctx, revision, func(e broker.Entry) error {
		if e.Removed {
			var none T
			return each(e.Key, none, e.Revision, ErrNotFound)
		}
		value, err := s.Decode(e)
		return each(e.Key, value, e.Revision, err)
	})
}

// pause waits a little, longer and more at random with each conflict.
func pause(ctx context.Context, try int) error {
	if try < 3 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(rand.IntN(min(try, 20))+1) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Form is the form that a record names in "v", a number from 1: ErrNewer if that is above what is known, ErrUnreadable if
// it names none or is no JSON object.
func Form(data []byte, known int) (int, error) {
	var named struct {
		Form int `json:"v"`
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	switch {
	case named.Form < 1:
		return 0, fmt.Errorf("%w: it has no form", ErrUnreadable)
	case named.Form > known:
		return 0, fmt.Errorf("form %d, known up to %d: %w", named.Form, known, ErrNewer)
	}
	return named.Form, nil
}

// Decode reads a record of a form that has no predecessors: ErrNewer or ErrUnreadable.
func Decode(data []byte, known int, into any) error {
	if _, err := Form(data, known); err != nil {
		return err
	}
	return Unmarshal(data, into)
}

// Unmarshal reads the JSON of a record: ErrUnreadable.
func Unmarshal(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}
