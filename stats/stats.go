// Package stats counts what comes of the attempts to each account's webhooks, minute by minute over all processes.
//
// Counting is an atomic addition in memory. Each process stores its sums of a minute in a stream, and any of them reads
// those of all.
package stats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// Store keeps records by account for at least a day; *broker.Broker does.
type Store interface {
	// StoreStats appends a record to an account's and returns once it is stored. The same id again within an hour changes
	// nothing.
	StoreStats(ctx context.Context, account, id string, record []byte) error
	// Stats calls each with an account's records that were stored since a time, oldest first.
	Stats(ctx context.Context, account string, since time.Time, each func(record []byte)) error
	// Now is the time by the clock of the store.
	Now() time.Time
}

const (
	// storing bounds the records that are stored at once, storeTime the storing of a minute's.
	storing   = 16
	storeTime = 5 * time.Second
	// maxWaiting bounds the records that could not be stored and wait, maxAge how long: an id is known for an hour.
	maxWaiting = 10_000
	maxAge     = 50 * time.Minute
)

// Stats counts attempts by account. It is safe for concurrent use.
type Stats struct {
	store Store
	owner string
	log   *zap.Logger
	// counters are those of the accounts that had an attempt since the start: *counter by name.
	counters sync.Map
	// unread and unstored bound the lines on records that are skipped or dropped.
	unread, unstored rate.Sometimes

	// mu is held while counters are taken and while they are read, never while somebody counts.
	mu sync.Mutex
	// turn is the number of the records to come, minute when what is counted now began.
	turn   uint64
	minute time.Time
	// waiting are records to be stored, oldest first.
	waiting []waiting
}

// waiting is a record that is to be stored.
type waiting struct {
	account string
	turn    uint64
	at      time.Time
	sums    sums
}

// New makes the statistics of one process; owner names it among all, and is never used again. Run stores them.
func New(s Store, owner string, log *zap.Logger) *Stats {
	return &Stats{
		store: s, owner: owner, log: log, minute: s.Now().Truncate(time.Minute),
		unread: rate.Sometimes{First: 1}, unstored: rate.Sometimes{First: 1, Interval: time.Minute},
	}
}

// Delivered counts an attempt that delivered, how long it took, and how long after the event's publication it ended. The
// key is the webhook's, "<account>.<id>".
func (s *Stats) Delivered(key string, took, lag time.Duration) {
	c := s.counter(key)
	c.latency[bucketOf(took)].Add(1)
	c.lag[bucketOf(lag)].Add(1)
}

// Replayed counts an attempt that delivered an event once more, and how long it took; it has no lag.
func (s *Stats) Replayed(key string, took time.Duration) {
	s.counter(key).latency[bucketOf(took)].Add(1)
}

// Rejected counts an attempt that the endpoint answered, and not with 2xx.
func (s *Stats) Rejected(key string) { s.counter(key).rejected.Add(1) }

// Unreachable counts an attempt that found an endpoint which takes nothing.
func (s *Stats) Unreachable(key string) { s.counter(key).unreachable.Add(1) }

func (s *Stats) counter(key string) *counter {
	account, _, _ := strings.Cut(key, ".")
	c, ok := s.counters.Load(account)
	if !ok {
		c, _ = s.counters.LoadOrStore(strings.Clone(account), new(counter))
	}
	return c.(*counter)
}

// Run stores the sums of each minute when it is over, until the context ends, and then those of the last. What cannot be
// stored is tried again with the next minute's, for most of an hour; a crash loses what was not stored. It returns nil.
func (s *Stats) Run(ctx context.Context) error {
	for {
		now := s.store.Now()
		timer := time.NewTimer(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			s.flush(context.WithoutCancel(ctx))
			return nil
		case <-timer.C:
			s.flush(ctx)
		}
	}
}

// flush stores what was counted, and what waits.
func (s *Stats) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	s.take(s.store.Now())
	s.mu.Lock()
	batch := s.waiting
	s.mu.Unlock()
	stored := make([]bool, len(batch))
	var group errgroup.Group
	group.SetLimit(storing)
	for i := range batch {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			err := s.put(ctx, &batch[i])
			stored[i] = err == nil
			return err
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		s.unstored.Do(func() { s.log.Warn("statistics were not stored, and are tried again in a minute", zap.Error(err)) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Nobody else changes what waits.
	var left []waiting
	for i := range batch {
		if !stored[i] {
			left = append(left, batch[i])
		}
	}
	s.waiting = s.bounded(left, s.store.Now())
}

// take moves what was counted since the last time to what waits.
func (s *Stats) take(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters.Range(func(account, c any) bool {
		w := waiting{account: account.(string), turn: s.turn, at: s.minute, sums: c.(*counter).take()}
		if w.sums != (sums{}) {
			s.waiting = append(s.waiting, w)
		}
		return true
	})
	s.turn++
	// A timer may be a little early by the clock of the store.
	s.minute = now.Round(time.Second).Truncate(time.Minute)
}

// bounded drops the oldest of what could not be stored, where that is too many or too old.
func (s *Stats) bounded(left []waiting, now time.Time) []waiting {
	drop := max(len(left)-maxWaiting, 0)
	for drop < len(left) && now.Sub(left[drop].at) > maxAge {
		drop++
	}
	if drop > 0 {
		s.log.Warn("statistics are dropped: they could not be stored for too long", zap.Int("records", drop))
	}
	return left[drop:]
}

func (s *Stats) put(ctx context.Context, w *waiting) error {
	data, err := encode(s.owner, w.turn, w.at, &w.sums)
	if err != nil {
		return fmt.Errorf("write the statistics of %s: %w", w.account, err)
	}
	return s.store.StoreStats(ctx, w.account, fmt.Sprintf("%s.%s.%d", s.owner, w.account, w.turn), data)
}
