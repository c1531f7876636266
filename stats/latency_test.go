package stats

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsFollowOneAnother(t *testing.T) {
	t.Parallel()
	for i := range buckets {
		from, to := bucketFrom(i), bucketFrom(i+1)
		if width := float64(to-from) / float64(from); to <= from || width > 0.125 {
			t.Errorf("bucket %d is [%v, %v): %.3f wide", i, from, to, width)
		}
		if bucketOf(from) != i || bucketOf(to-1) != i {
			t.Errorf("bucket %d is [%v, %v), and they are counted in %d and %d", i, from, to, bucketOf(from), bucketOf(to-1))
		}
	}
	for d, want := range map[time.Duration]int{
		-1: 0, 0: 0, time.Microsecond: 0, 1<<shortest - 1: 0, 1 << shortest: 0,
		60 * 24 * time.Hour: buckets - 1, 1 << longest: buckets - 1, 1<<63 - 1: buckets - 1,
	} {
		if got := bucketOf(d); got != want {
			t.Errorf("%v is counted in bucket %d, want %d", d, got, want)
		}
	}
	if first, end := bucketFrom(0), bucketFrom(buckets); first != 65536 || end < 52*24*time.Hour {
		t.Errorf("the buckets reach from %v to %v", first, end)
	}
}

// What buckets tell of many latencies is compared with the latencies themselves.
func TestQuantilesAreNearTheTruth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"even": func() time.Duration { return time.Millisecond + time.Duration(random.Int64N(int64(time.Second))) },
		"exponential": func() time.Duration {
			return time.Duration(float64(20*time.Millisecond) * (0.01 + random.ExpFloat64()))
		},
		"two kinds": func() time.Duration { return []time.Duration{300 * time.Microsecond, 14 * time.Second}[random.IntN(2)] },
		"one":       func() time.Duration { return 270 * time.Microsecond },
	} {
		var h histogram
		all := make([]time.Duration, 0, 10_001)
		for range cap(all) {
			d := draw()
			all = append(all, d)
			h[bucketOf(d)]++
		}
		slices.Sort(all)
		for _, q := range []float64{0.5, 0.9, 0.99, 1} {
			want := all[max(int(q*float64(len(all))+0.999999)-1, 0)]
			got := h.quantile(q)
			if off := float64(got-want) / float64(want); off < -0.125 || off > 0.125 {
				t.Errorf("%s: p%.0f is %v, told as %v: %.1f %% off", name, 100*q, want, got, 100*off)
			}
		}
	}
	var none histogram
	if got := none.quantile(0.99); got != 0 {
		t.Errorf("p99 of none is %v", got)
	}
}
