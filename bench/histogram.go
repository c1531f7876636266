package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations to within 2 % of each. It is safe for concurrent use.
type histogram struct{ buckets [64 * fine]atomic.Uint64 }

// fine is into how many parts the time between a power of two and the next, in nanoseconds, is divided.
const fine = 64

func (h *histogram) add(d time.Duration) { h.buckets[bucket(uint64(max(d, 0)))].Add(1) }

func bucket(n uint64) int {
	if n < fine {
		return int(n)
	}
	power := bits.Len64(n) - 7 // so that what is left has seven binary digits, the first of them 1
	return (power+1)*fine + int(n>>power) - fine
}

// lowest is the smallest duration of a bucket.
func lowest(bucket int) time.Duration {
	if bucket < fine {
		return time.Duration(bucket)
	}
	power := bucket/fine - 1
	return time.Duration(bucket%fine+fine) << power
}

// quantile is the duration that this share of all do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	total := uint64(0)
	for i := range h.buckets {
		total += h.buckets[i].Load()
	}
	rank := uint64(q * float64(total))
	for i := range h.buckets {
		n := h.buckets[i].Load()
		if rank < n {
			return lowest(i)
		}
		rank -= n
	}
	return 0
}
