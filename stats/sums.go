package stats

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/saumer/saumer/record"
)

// sums are what came of attempts to one account's webhooks: how long those took that delivered, and how long after its
// publication each event was delivered, replays aside.
type sums struct {
	rejected, unreachable uint64
	latency, lag          histogram
}

// delivered is how many attempts delivered: each is in one bucket.
func (s *sums) delivered() uint64 { return s.latency.total() }

func (s *sums) add(o *sums) {
	s.rejected += o.rejected
	s.unreachable += o.unreachable
	s.latency.add(&o.latency)
	s.lag.add(&o.lag)
}

// counter is sums that are being counted, by atomic additions.
type counter struct {
	rejected, unreachable atomic.Uint64
	latency, lag          [buckets]atomic.Uint64
}

// read returns what is counted.
func (c *counter) read() (s sums) {
	s.rejected, s.unreachable = c.rejected.Load(), c.unreachable.Load()
	for i := range c.latency {
		s.latency[i], s.lag[i] = c.latency[i].Load(), c.lag[i].Load()
	}
	return s
}

// take returns what is counted, and counts from 0 again. Whatever is counted meanwhile is in this or in the next.
func (c *counter) take() (s sums) {
	s.rejected, s.unreachable = c.rejected.Swap(0), c.unreachable.Swap(0)
	for i := range c.latency {
		s.latency[i], s.lag[i] = c.latency[i].Swap(0), c.lag[i].Swap(0)
	}
	return s
}

// form is the newest form of a record that this version reads, and the one that it writes.
const form = 1

// stored is one process' sums of one account in one minute, as the stream STATS keeps them.
type stored struct {
	Form int `json:"v"`
	// Owner is the process, Turn the number of its record for this account: together they name the record.
	Owner string `json:"owner"`
	Turn  uint64 `json:"turn"`
	// At is when the minute began, by the clock of NATS.
	At          time.Time `json:"at"`
	Rejected    uint64    `json:"rejected,omitempty"`
	Unreachable uint64    `json:"unreachable,omitempty"`
	// Latency and Lag have, for each bucket that is not empty, its index and its count.
	Latency [][2]uint64 `json:"latency,omitempty"`
	Lag     [][2]uint64 `json:"lag,omitempty"`
}

func encode(owner string, turn uint64, at time.Time, s *sums) ([]byte, error) {
	r := stored{Form: form, Owner: owner, Turn: turn, At: at, Rejected: s.rejected, Unreachable: s.unreachable}
	r.Latency, r.Lag = s.latency.pairs(), s.lag.pairs()
	return json.Marshal(r)
}

// pairs are the index and count of each bucket that is not empty.
func (h *histogram) pairs() (pairs [][2]uint64) {
	for i, n := range h {
		if n > 0 {
			pairs = append(pairs, [2]uint64{uint64(i), n})
		}
	}
	return pairs
}

// count adds pairs: record.ErrUnreadable for a bucket that there is not.
func (h *histogram) count(pairs [][2]uint64) error {
	for _, pair := range pairs {
		if pair[0] >= buckets {
			return fmt.Errorf("%w: there is no bucket %d", record.ErrUnreadable, pair[0])
		}
		h[pair[0]] += pair[1]
	}
	return nil
}

// decode reads a record: record.ErrNewer or record.ErrUnreadable.
func decode(data []byte) (stored, sums, error) {
	var r stored
	if err := record.Decode(data, form, &r); err != nil {
		return stored{}, sums{}, err
	}
	s := sums{rejected: r.Rejected, unreachable: r.Unreachable}
	if err := errors.Join(s.latency.count(r.Latency), s.lag.count(r.Lag)); err != nil {
		return stored{}, sums{}, err
	}
	return r, s, nil
}
