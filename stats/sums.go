package stats

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// sums are what came of attempts to one account's webhooks, and how long those took that delivered.
type sums struct {
	rejected, unreachable uint64
	latency               [buckets]uint64
}

// delivered is how many attempts delivered: each is in one bucket.
func (s *sums) delivered() (n uint64) {
	for _, count := range s.latency {
		n += count
	}
	return n
}

func (s *sums) add(o *sums) {
	s.rejected += o.rejected
	s.unreachable += o.unreachable
	for i, n := range o.latency {
		s.latency[i] += n
	}
}

// counter is sums that are being counted. An attempt is one atomic addition.
type counter struct {
	rejected, unreachable atomic.Uint64
	latency               [buckets]atomic.Uint64
}

// read returns what is counted.
func (c *counter) read() (s sums) {
	s.rejected, s.unreachable = c.rejected.Load(), c.unreachable.Load()
	for i := range c.latency {
		s.latency[i] = c.latency[i].Load()
	}
	return s
}

// take returns what is counted, and counts from 0 again. Whatever is counted meanwhile is in this or in the next.
func (c *counter) take() (s sums) {
	s.rejected, s.unreachable = c.rejected.Swap(0), c.unreachable.Swap(0)
	for i := range c.latency {
		s.latency[i] = c.latency[i].Swap(0)
	}
	return s
}

// version is that of the record's form.
const version = 1

var (
	errNewer = errors.New("the record is of a newer version")
	errForm  = errors.New("the record is not of the form that it should have")
)

// record is one process' sums of one account in one minute, as the stream STATS keeps them.
type record struct {
	V int `json:"v"`
	// Owner is the process, Turn the number of its record for this account: together they name the record.
	Owner string `json:"owner"`
	Turn  uint64 `json:"turn"`
	// At is when the minute began, by the clock of NATS.
	At          time.Time `json:"at"`
	Rejected    uint64    `json:"rejected,omitempty"`
	Unreachable uint64    `json:"unreachable,omitempty"`
	// Latency has, for each bucket that is not empty, its index and its count.
	Latency [][2]uint64 `json:"latency,omitempty"`
}

func encode(owner string, turn uint64, at time.Time, s *sums) ([]byte, error) {
	r := record{V: version, Owner: owner, Turn: turn, At: at, Rejected: s.rejected, Unreachable: s.unreachable}
	for i, n := range s.latency {
		if n > 0 {
			r.Latency = append(r.Latency, [2]uint64{uint64(i), n})
		}
	}
	return json.Marshal(r)
}

// decode reads a record: errNewer if a newer version wrote it, errForm if it is none.
func decode(data []byte) (record, sums, error) {
	var form struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return record{}, sums{}, fmt.Errorf("%w: %w", errForm, err)
	}
	if form.V > version {
		return record{}, sums{}, errNewer
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, sums{}, fmt.Errorf("%w: %w", errForm, err)
	}
	s := sums{rejected: r.Rejected, unreachable: r.Unreachable}
	for _, pair := range r.Latency {
		if pair[0] >= buckets {
			return record{}, sums{}, fmt.Errorf("%w: there is no bucket %d", errForm, pair[0])
		}
		s.latency[pair[0]] += pair[1]
	}
	return r, s, nil
}
