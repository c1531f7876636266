package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/slots"
)

const (
	// window bounds the events in flight of this process, and windowBytes what they hold of its memory; the last pull may
	// go beyond it.
	window      = 4096
	windowBytes = 32 << 20
	// remembered is how many events that are done are remembered.
	remembered = 1 << 14
	// ackMargin is how long before the end of the ack wait an event counts as another process's.
	ackMargin = 2 * time.Second
)

// inflight owns the events in flight: those that NATS handed out to this process and that are not done. It remembers the
// last ones that are.
//
// An event is known by its position. Another event under a sequence that is known is a new one: the stream went back. It
// is delivered, and takes the place of the one before, which is not acknowledged any more.
type inflight struct {
	// mu is Worker.mu. It guards all that follows.
	mu *sync.Mutex
	// events are the events in flight, by sequence.
	events map[uint64]*inflightEvent
	// held is how many bytes their messages have.
	held int
	// accounts are whose events they are.
	accounts accounts
	// highest is the highest sequence that was in flight.
	highest uint64
	// done are the positions of the last events that are done, each at the remainder of its sequence: an event whose
	// acknowledgement was lost is not delivered again.
	done [remembered]event.Position
	// setback is the number of the last loss of what NATS had stored that was taken in.
	setback uint64
	pace    *pace

	// freed is signalled when there is room for a whole fetch again, and begun when an event comes after a time without.
	freed, begun chan struct{}
	ackWait      time.Duration
	log          *zap.Logger
}

// inflightEvent is an event in flight.
type inflightEvent struct {
	msg     *nats.Msg
	event   event.Event
	account *account
	// size is how many bytes the message has.
	size int
	// skipped is true if a webhook was left out because of its open range. It belongs to the goroutine that hands the event
	// to its lanes, until all have it.
	skipped bool

	// crowded is true if the account had more deliveries than its share when the event came.
	crowded bool

	// What follows is guarded by Worker.mu. Since is when the event came, or when NATS was last told that it is in
	// progress; undone counts the deliveries that are not done, and one until all lanes have the event; failed is true if
	// a delivery failed and could not be handed over; again is true if NATS has handed the event out once more.
	since  time.Time
	undone int
	failed bool
	again  bool
}

func newInflight(mu *sync.Mutex, p *pace, ackWait time.Duration, log *zap.Logger) *inflight {
	return &inflight{
		mu: mu, events: map[uint64]*inflightEvent{}, accounts: accounts{}, pace: p, freed: make(chan struct{}, 1), begun: make(chan struct{}, 1),
		ackWait: ackWait, log: log,
	}
}

// admission is what becomes of an event that NATS hands out.
type admission int

const (
	// admitted: it is new, and in flight from here on.
	admitted admission = iota
	// admittedAnew is admitted under a sequence that may have been in flight before.
	admittedAnew
	// known: it is in flight already.
	known
	// wasDone: it is done, and its acknowledgement was lost.
	wasDone
)

// admitLocked decides what becomes of an event. Worker.mu is held.
func (f *inflight) admitLocked(e *inflightEvent) admission {
	seq, position := e.event.Seq, e.event.Position()
	if other := f.events[seq]; other != nil && other.event.Position().Is(position) {
		other.again = true
		return known
	}
	if f.done[seq%remembered].Is(position) {
		return wasDone
	}
	if other := f.events[seq]; other != nil {
		f.removeLocked(other)
	}
	e.undone = 1
	e.account = f.accounts.of(e.event.Account)
	e.account.add(e)
	f.events[seq] = e
	f.held += e.size
	if len(f.events) == 1 {
		signal(f.begun)
	}
	if seq <= f.highest {
		return admittedAnew
	}
	f.highest = seq
	return admitted
}

// has says whether the event at a position is in flight.
func (f *inflight) has(p event.Position) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.events[p.Seq]
	return e != nil && e.event.Position().Is(p)
}

// setBackLocked takes in a loss of what NATS had stored: events come again that were done, since the backlogs that took some of
// them may have forgotten these. What is in flight may have been handed over before the loss, and comes again too. It says
// whether the loss is a new one. Worker.mu is held.
func (f *inflight) setBackLocked(number uint64) bool {
	if f.setback == number {
		return false
	}
	f.setback = number
	clear(f.done[:])
	for _, e := range f.events {
		e.failed = true
	}
	return true
}

// displaceLocked takes the event under a sequence out of flight, unless it is the one of the position. Worker.mu is held.
func (f *inflight) displaceLocked(p event.Position) {
	if e := f.events[p.Seq]; e != nil && !e.event.Position().Is(p) {
		f.removeLocked(e)
	}
}

// doneLocked counts one delivery of an event as done, and says whether the event is to be acknowledged: after the last,
// if none failed and no other event has its sequence. Worker.mu is held.
//
// An event that NATS handed out again may be so by a NATS that lost how far it was, and then an open range that was
// respected may have ended before this event: so it has to come once more. For the same reason one that was skipped in an
// open range is not remembered.
func (f *inflight) doneLocked(e *inflightEvent, ok bool) bool {
	e.undone--
	e.failed = e.failed || !ok
	if e.undone > 0 || !f.removeLocked(e) || e.failed || e.again && e.skipped {
		return false
	}
	if !e.skipped {
		f.done[e.event.Seq%remembered] = e.event.Position()
	}
	return true
}

// remove takes an event that is given back or rejected out of flight.
func (f *inflight) remove(e *inflightEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removeLocked(e)
}

// removeLocked takes an event out of flight; false if another took its place before. Worker.mu is held.
func (f *inflight) removeLocked(e *inflightEvent) bool {
	if f.events[e.event.Seq] != e {
		return false
	}
	delete(f.events, e.event.Seq)
	before := f.held
	f.held -= e.size
	e.account.remove(e)
	f.accounts.left(e.account)
	f.pace.add()
	if len(f.events) == window-fetchSize || before > windowBytes-fetchBytes && f.held <= windowBytes-fetchBytes {
		signal(f.freed)
	}
	return true
}

// shortLocked says whether there is less room than for what is to come and another fetch. Worker.mu is held.
func (f *inflight) shortLocked(pending uint64) bool {
	events, bytes := max(window-len(f.events), 0), windowBytes-f.held
	return pending+fetchSize > uint64(events) || pending > 0 && bytes < fetchBytes
}

// overLocked are the lanes with which accounts hold more than their share of the window, besides what is on its way to their
// backlogs. Worker.mu is held.
func (f *inflight) overLocked() []*lane {
	var over []*lane
	for _, a := range f.accounts {
		switch {
		case slots.Over(a.held-a.leaving, window-len(f.events)):
			over = append(over, a.largest(func(l *lane) int { return l.size })...)
		case slots.Over(a.bytes-a.leavingBytes, windowBytes-f.held):
			over = append(over, a.largest(func(l *lane) int { return l.bytes })...)
		}
	}
	return over
}

// roomFor says whether there is room for some events, and for some bytes.
func (f *inflight) roomFor(events, bytes int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return window-len(f.events) >= events && windowBytes-f.held >= bytes
}

// room is how many events, and of how many bytes, may be fetched. It waits a linger for the room of a whole fetch, and
// without end for some; it returns 0 when the context ends.
func (f *inflight) room(ctx context.Context) (events, bytes int) {
	for waited := false; ; waited = true {
		f.mu.Lock()
		events, bytes = window-len(f.events), windowBytes-f.held
		f.mu.Unlock()
		whole := events >= fetchSize && bytes >= fetchBytes
		if whole || waited && events > 0 && bytes >= leastBytes {
			return min(events, fetchSize), min(bytes, fetchBytes)
		}
		select {
		case <-ctx.Done():
			return 0, 0
		case <-f.freed:
		case <-time.After(linger):
		}
	}
}

// linger says whether the next event waits for others.
func (f *inflight) linger(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pace.eventsLinger(now, len(f.events))
}

// lapsed says whether the process was held up for so long, as by a SIGSTOP, that NATS has handed the event out to
// another: it is not ours any more.
func (f *inflight) lapsed(e *inflightEvent) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lapsedLocked(e, time.Now())
}

// lapsedLocked is lapsed at a time. Worker.mu is held.
func (f *inflight) lapsedLocked(e *inflightEvent, now time.Time) bool {
	return now.Sub(e.since) > f.ackWait-ackMargin
}

// empty says whether nothing is in flight.
func (f *inflight) empty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events) == 0
}

// report tells NATS, well inside the ack wait, that the events in flight are in progress, until the context ends.
func (f *inflight) report(ctx context.Context) {
	every := f.ackWait / 3
	for await(ctx, f.begun, f.empty) && lifetime.Sleep(ctx, every) {
		for _, e := range f.due(time.Now(), every/2) {
			if err := e.msg.InProgress(); err != nil {
				f.log.Debug("NATS was not told that an event is in progress", zap.Uint64("seq", e.event.Seq), zap.Error(err))
			}
		}
	}
}

// due returns the events of which NATS has not heard for longer than a time, and counts them as reported.
func (f *inflight) due(now time.Time, unheard time.Duration) []*inflightEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	var due []*inflightEvent
	for _, e := range f.events {
		if now.Sub(e.since) > unheard && !f.lapsedLocked(e, now) {
			e.since = now
			due = append(due, e)
		}
	}
	return due
}

// signal leaves a word for whoever waits, or will wait, on a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// await returns true once idle is false, and false when the context ends. It looks again whenever begun is signalled: an
// idle process keeps no time.
func await(ctx context.Context, begun <-chan struct{}, idle func() bool) bool {
	for idle() {
		select {
		case <-ctx.Done():
			return false
		case <-begun:
		}
	}
	return ctx.Err() == nil
}
