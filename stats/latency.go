package stats

import (
	"math"
	"math/bits"
	"time"
)

// Latencies and lags are counted in buckets that are log-linear: each power of two of nanoseconds has eight of the same
// width, so that what is told of them is off by no more than an eighth. They reach from 2^16 ns, 66 µs, to 2^52 ns, 52
// days: beyond the longest timeout and the usual retention. What is shorter or longer is counted in the first or the last.
const (
	shortest = 16 // as a power of two of nanoseconds
	longest  = 52
	fine     = 3 // bits: eight buckets for each power of two
	buckets  = (longest - shortest) << fine
)

// histogram counts times by bucket.
type histogram [buckets]uint64

// bucketOf is the index of the bucket that counts a time.
func bucketOf(d time.Duration) int {
	if d < 1<<shortest {
		return 0
	}
	exp := bits.Len64(uint64(d)) - 1
	if exp >= longest {
		return buckets - 1
	}
	within := int(d>>(exp-fine)) & (1<<fine - 1)
	return (exp-shortest)<<fine | within
}

// bucketFrom is where a bucket begins; where it ends the next one does.
func bucketFrom(i int) time.Duration {
	exp := shortest + i>>fine
	return time.Duration(1<<fine|i&(1<<fine-1)) << (exp - fine)
}

// total is how many are counted.
func (h *histogram) total() (n uint64) {
	for _, count := range h {
		n += count
	}
	return n
}

func (h *histogram) add(o *histogram) {
	for i, n := range o {
		h[i] += n
	}
}

// quantile is the time that a share q of all, 0 to 1, does not exceed; 0 if there are none. Within a bucket they are
// taken to lie evenly.
func (h *histogram) quantile(q float64) time.Duration {
	total := h.total()
	if total == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(q*float64(total))), 1)
	before := uint64(0)
	for i, n := range h {
		if before+n < rank {
			before += n
			continue
		}
		from, to := bucketFrom(i), bucketFrom(i+1)
		return from + time.Duration(float64(to-from)*(float64(rank-before)-0.5)/float64(n))
	}
	return bucketFrom(buckets) // not reached: the ranks end with the total
}
