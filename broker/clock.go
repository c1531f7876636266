package broker

import (
	"sync/atomic"
	"time"
)

// clock tells the time of NATS, whose time stamps the events have. What several nodes write and compare, such as when a
// lease ends, when to try again, or since when a webhook is inactive, is by this one clock: a node whose own clock is
// wrong, or jumps, moves none of it.
type clock struct{ reading atomic.Pointer[reading] }

// reading is what NATS' clock showed at a moment of ours; the moment has a monotonic part.
type reading struct{ ours, theirs time.Time }

// quick is how long a question may take for its answer to set the clock: the time stamp is from somewhere in between.
const quick = time.Second

// set takes in a time stamp of an answer to a question that was asked at a moment.
func (c *clock) set(asked, theirs time.Time) {
	if theirs.IsZero() {
		return
	}
	took := time.Since(asked)
	if took > quick && c.reading.Load() != nil {
		return
	}
	c.reading.Store(&reading{ours: asked.Add(took / 2), theirs: theirs})
}

func (c *clock) now() time.Time {
	r := c.reading.Load()
	if r == nil {
		return time.Now().UTC()
	}
	return r.theirs.Add(time.Since(r.ours)).UTC()
}

// Now is the time by the clock of NATS, in UTC, to within the time that an answer of it takes. It follows each answer to
// Progress and Bounds; between them this machine's monotonic clock goes on.
func (b *Broker) Now() time.Time { return b.clock.now() }
