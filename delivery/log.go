package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/saumer/saumer/broker"
)

// Outcomes are all outcomes, in the order in which they are documented.
var Outcomes = []Outcome{
	Delivered, Gone, Redirect, Status, Unavailable, DNS, Refused, TLS, Timeout, Broken, Forbidden, Slow, Aborted,
}

// Entry is an attempt as the log keeps it.
type Entry struct {
	// Position is the entry's place in the log; later entries have a higher one.
	Position uint64
	Attempt
}

// LogFilter says which entries of a log to list. The zero value lists all that are kept.
type LogFilter struct {
	// Limit is the most entries to return; 0 sets none.
	Limit int
	// Before leaves out the entries from this position on; 0 leaves out none. It is List's next of the page before.
	Before uint64
	// Outcome keeps only the entries of this outcome; empty keeps all.
	Outcome Outcome
	// Failed keeps only the entries of any outcome but Delivered.
	Failed bool
	// ID keeps only the entries of the event with this id; empty keeps all.
	ID string
}

// keeps says whether the filter keeps an attempt.
func (f LogFilter) keeps(a Attempt) bool {
	return (f.Outcome == "" || a.Outcome == f.Outcome) && (!f.Failed || a.Outcome != Delivered) && (f.ID == "" || a.ID == f.ID)
}

// Log is the log of the last attempts to each webhook. It is safe for concurrent use.
type Log struct {
	broker   *broker.Broker
	log      *zap.Logger
	failures rate.Sometimes
}

// NewLog makes the attempt log of a broker.
func NewLog(b *broker.Broker, log *zap.Logger) *Log {
	return &Log{broker: b, log: log, failures: rate.Sometimes{First: 1, Interval: 10 * time.Second}}
}

// Append adds an attempt to the log of a webhook's key. It does not wait for the stream: a crash may lose the last
// entries. What cannot be appended is said in the log of the process, not more than once in 10 seconds.
func (l *Log) Append(key string, a Attempt) {
	record, err := a.appendRecord(make([]byte, 0, 256))
	if err == nil {
		err = l.broker.LogAttempt(key, record)
	}
	if err != nil {
		l.failures.Do(func() {
			l.log.Warn("attempts are missing in the attempt log", zap.String("webhook", key), zap.Error(err))
		})
	}
}

// List returns the entries of a webhook's key that the filter keeps, newest first, and the position to give as Before
// for the next page, 0 if there is none. A key without a log has no entries. An entry that cannot be read is left
// out, and said in the log of the process.
func (l *Log) List(ctx context.Context, key string, filter LogFilter) (entries []Entry, next uint64, err error) {
	logged, err := l.broker.Attempts(ctx, key)
	if err != nil {
		return nil, 0, fmt.Errorf("list attempts: %w", err)
	}
	for _, r := range slices.Backward(logged) {
		if filter.Before != 0 && r.Seq >= filter.Before {
			continue
		}
		e := Entry{Position: r.Seq}
		if err := json.Unmarshal(r.Record, &e.Attempt); err != nil {
			l.failures.Do(func() {
				l.log.Warn("an entry of the attempt log cannot be read", zap.String("webhook", key), zap.Uint64("entry", r.Seq), zap.Error(err))
			})
			continue
		}
		if !filter.keeps(e.Attempt) {
			continue
		}
		if filter.Limit > 0 && len(entries) == filter.Limit {
			return entries, entries[len(entries)-1].Position, nil
		}
		entries = append(entries, e)
	}
	return entries, 0, nil
}

// Erase removes for good what endpoints answered to attempts of an event, which may repeat its body. That there were attempts
// stays. Positions of later entries may change.
func (l *Log) Erase(ctx context.Context, key string, seq uint64) error {
	if _, _, err := l.List(ctx, key, LogFilter{Limit: 1}); err != nil { // stores what waits
		return err
	}
	return l.broker.RewriteAttempts(ctx, key, func(record []byte) []byte {
		var a Attempt
		if json.Unmarshal(record, &a) != nil || a.Seq != seq || a.Test || len(a.Response) == 0 {
			return record // of a newer version, or of another event
		}
		a.Response = nil
		changed, err := a.appendRecord(nil)
		if err != nil {
			return record // its time was read from JSON
		}
		return changed
	})
}
