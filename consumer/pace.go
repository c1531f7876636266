package consumer

import "time"

const (
	// linger is how long an event, or an acknowledgement, waits for others while many events are done: many together cost
	// one look-up and wake this process once, and acknowledgements, each by itself a write to NATS, are one write.
	linger = 5 * time.Millisecond
	// Acknowledgements wait where fastEvents were done in a linger, lately. The next event waits, too, while busyEvents are
	// in flight, or the events of busyLingers if these are more. Events in flight because some webhooks are slow have
	// others wait for nothing.
	fastEvents, busyEvents, busyLingers = 16, 256, 4
)

// pace is how fast events leave this process, and so whether what comes waits for others. It has no clock and no
// lock of its own.
type pace struct {
	// left is how many events have left since the time since, and lately how many left in a linger, in the time before.
	left   int
	since  time.Time
	lately int
}

// add counts an event that has left.
func (p *pace) add() { p.left++ }

// eventsLinger says whether the next event waits for others, given how many are in flight.
func (p *pace) eventsLinger(now time.Time, inFlight int) bool {
	if passed := now.Sub(p.since); passed >= linger {
		p.lately = int(time.Duration(p.left) * linger / passed)
		p.since, p.left = now, 0
	}
	return p.acksLinger() && inFlight >= max(busyEvents, busyLingers*p.lately)
}

// acksLinger says whether acknowledgements wait for others, by what eventsLinger found last.
func (p *pace) acksLinger() bool { return p.lately >= fastEvents }
