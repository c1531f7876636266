// Package replay is the backlog of a webhook and the runner that works it off: retries, catch-up, deactivation, replay.
//
// The stream is the backlog: a record holds positions in it, never events. A webhook that is down costs one record and
// one timer, however many events pass it by.
package replay

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

const (
	recordVersion = 1
	// maxRetries bounds the rejected events that back off by themselves; more wait without a time of their own.
	maxRetries = 1000
	// streakFails is how many events in a row, all rejected, mean that the endpoint as a whole fails.
	streakFails = 10
)

// Backlog is what a webhook has outstanding. Nothing outstanding, no record.
type Backlog struct {
	Version int `json:"v"`
	// Pending events were handed over by the live path or met an endpoint that was unreachable, by sequence.
	Pending Pending `json:"pending,omitempty"`
	// Retries are rejected events, each with a backoff of its own, by sequence.
	Retries []Retry `json:"retries,omitempty"`
	// Again are those of both that are sent as a replay though they are not below Replay, by sequence.
	Again Pending `json:"again,omitempty"`
	// Spans are parts of the stream to be worked off, ascending; at most the last is open.
	Spans []Span `json:"spans,omitempty"`
	// Ordered is true if the webhook is served from here for good, in the order of the stream.
	Ordered bool `json:"ordered,omitempty"`
	// Want is true if future events are to leave the live path: an open span is due.
	Want bool `json:"want,omitempty"`
	// Gone is true if the endpoint answered 410.
	Gone bool `json:"gone,omitempty"`
	// Streak counts the events in a row that were rejected.
	Streak int `json:"streak,omitempty"`
	// Health of the endpoint as a whole, and Next, before which it is left alone.
	Health registry.Health `json:"health,omitzero"`
	Next   time.Time       `json:"next,omitzero"`
	// Activated is the activation (its time) that the spans follow, Replay the sequence below which events are sent
	// as a replay.
	Activated time.Time `json:"activated,omitzero"`
	Replay    uint64    `json:"replay,omitempty"`
	// Parked is true if the webhook is inactive and nothing is to be done. Noticed is the deactivation (its time) that
	// people have been told of.
	Parked  bool      `json:"parked,omitempty"`
	Noticed time.Time `json:"noticed,omitzero"`
	// News are what people are to be told of, oldest first: each until its notice is stored.
	News []registry.News `json:"news,omitempty"`
	// Failing is since when the endpoint has failed as far as people have been told, zero if it works; Alarm is when
	// they are to be told that it fails, if it still does by then.
	Failing time.Time `json:"failing,omitzero"`
	Alarm   time.Time `json:"alarm,omitzero"`
	GivenUp GivenUp   `json:"given_up,omitzero"`
	Probe   Probe     `json:"probe,omitzero"`
	Lease   Lease     `json:"lease,omitzero"`
}

// Retry is a rejected event.
type Retry struct {
	Seq uint64 `json:"seq"`
	// Attempts made so far, Since the end of the first.
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"`
	Error    string    `json:"error,omitempty"`
}

// Span is the part [Next, To) of the stream; To 0 means open, and then From is where the webhook's open range begins.
type Span struct {
	From uint64 `json:"from,omitempty"`
	Next uint64 `json:"next"`
	To   uint64 `json:"to,omitempty"`
	// Replay is the replay on demand that the span belongs to, by its time in nanoseconds since 1970; 0 if to none.
	Replay int64 `json:"replay,omitempty"`
}

// same says whether both are one span, however far either has come.
func (s Span) same(other Span) bool {
	return s.From == other.From && s.To == other.To && s.Replay == other.Replay
}

// holds says whether the sequence is still to be worked off by the span.
func (s Span) holds(seq uint64) bool { return seq >= s.Next && (s.Open() || seq < s.To) }

// Open says whether the span has no end yet.
func (s Span) Open() bool { return s.To == 0 }

// Lease is whose turn it is to work the backlog off.
type Lease struct {
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// heldByOther says whether somebody else than owner holds the lease.
func (l Lease) heldByOther(owner string, now time.Time) bool {
	return l.Owner != "" && l.Owner != owner && now.Before(l.Until)
}

// open returns the open span.
func (b *Backlog) open() (Span, bool) {
	if n := len(b.Spans); n > 0 && b.Spans[n-1].Open() {
		return b.Spans[n-1], true
	}
	return Span{}, false
}

// waiting are the sequences of the events that wait by themselves, ascending.
func (b *Backlog) waiting() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		i := 0
		for _, p := range b.Pending {
			for ; i < len(b.Retries) && b.Retries[i].Seq < p.Seq; i++ {
				if !yield(b.Retries[i].Seq) {
					return
				}
			}
			if !yield(p.Seq) {
				return
			}
		}
		for ; i < len(b.Retries); i++ {
			if !yield(b.Retries[i].Seq) {
				return
			}
		}
	}
}

// first is the first event that waits by itself.
func (b *Backlog) first() (uint64, bool) {
	for seq := range b.waiting() {
		return seq, true
	}
	return 0, false
}

// lowest is the lowest sequence that is outstanding.
func (b *Backlog) lowest() (uint64, bool) {
	if seq, waits := b.first(); waits {
		return seq, true
	}
	if len(b.Spans) > 0 {
		return b.Spans[0].Next, true
	}
	return 0, false
}

// sorted says whether the parts are in the order that everything else relies on.
func (b *Backlog) sorted() bool {
	for i, r := range b.Retries {
		if i > 0 && b.Retries[i-1].Seq >= r.Seq {
			return false
		}
	}
	for i, s := range b.Spans {
		if s.Open() && i < len(b.Spans)-1 {
			return false
		}
	}
	return true
}

// idle says whether no event is outstanding and nothing is to be decided.
func (b *Backlog) idle() bool {
	return len(b.Pending) == 0 && len(b.Retries) == 0 && len(b.Spans) == 0 && !b.Want && !b.Gone && !b.Parked
}

// empty says whether nothing is outstanding, for people neither, so that the record can go.
func (b *Backlog) empty() bool {
	return b.idle() && len(b.News) == 0 && len(b.GivenUp.Seqs) == 0 && b.GivenUp.Quiet.IsZero()
}

// wake is when the backlog is next to be looked at; never, if all that is left is for people to decide, or, of an
// ordered webhook, what it has not read yet.
func (b *Backlog) wake() (at time.Time, never bool) {
	at, never = b.due()
	if tell, nothing := b.tell(); !nothing && (never || tell.Before(at)) {
		at, never = tell, false
	}
	if b.Parked && !b.Probe.Next.IsZero() && (never || b.Probe.Next.Before(at)) {
		at, never = b.Probe.Next, false
	}
	return at, never
}

// due is when the next attempt is; never, if none is until something happens.
func (b *Backlog) due() (at time.Time, never bool) {
	switch {
	case b.Parked || b.idle():
		return time.Time{}, true
	case b.Want || b.Gone:
		// Future events are to leave the live path, or the webhook is to be judged: both wait for no backoff.
		return time.Time{}, false
	case b.Ordered:
		first, waits := b.first()
		if _, open := b.open(); !waits && open && len(b.Spans) == 1 {
			return time.Time{}, true // until the live path passes an event of it
		}
		if i, found := b.retry(first); found {
			at = b.Retries[i].Next
		}
	case len(b.Pending) == 0 && len(b.Spans) == 0:
		for i, r := range b.Retries {
			if i == 0 || r.Next.Before(at) {
				at = r.Next
			}
		}
	}
	if b.Next.After(at) {
		at = b.Next
	}
	return at, false
}

// fail counts a failure of the endpoint as a whole and sets the time before which it is left alone. A straggler,
// begun before the last such time, counts for nothing: what was under way at once fails once.
func (b *Backlog) fail(a delivery.Attempt, policy delivery.Backoff) {
	if a.At.Before(b.Next) {
		return
	}
	b.Health = b.Health.With(a)
	a.Number = b.Health.Attempts
	b.Next = a.At.Add(a.Duration).Add(policy.After(a))
}

// reject puts a rejected event among the retries, or, if they are full, among the pending ones.
func (b *Backlog) reject(a delivery.Attempt, policy delivery.Backoff) {
	b.mark(a)
	end := a.At.Add(a.Duration)
	retry := Retry{Seq: a.Seq, Attempts: a.Number, Since: end, Next: end.Add(policy.After(a)), Error: a.Error}
	i, found := b.retry(a.Seq)
	switch {
	case found:
		retry.Since = b.Retries[i].Since
		b.Retries[i] = retry
	case b.full():
		b.Pending.add(a.Seq, a.Number)
	default:
		b.Pending.remove(a.Seq)
		b.Retries = slices.Insert(b.Retries, i, retry)
	}
}

// full says whether there is no room for another retry: then the endpoint as a whole is left alone for a while.
func (b *Backlog) full() bool { return len(b.Retries) >= maxRetries }

func (b *Backlog) retry(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(b.Retries, seq, func(r Retry, seq uint64) int { return cmp.Compare(r.Seq, seq) })
}

// settle removes an event that is done with.
func (b *Backlog) settle(seq uint64) {
	b.Pending.remove(seq)
	b.Again.remove(seq)
	if i, found := b.retry(seq); found {
		b.Retries = slices.Delete(b.Retries, i, i+1)
	}
}

// hold puts an event among the pending ones.
func (b *Backlog) hold(seq uint64, attempts int) {
	if i, found := b.retry(seq); found {
		attempts = max(attempts, b.Retries[i].Attempts)
		b.Retries = slices.Delete(b.Retries, i, i+1)
	}
	b.Pending.add(seq, attempts)
}

// cover takes over an event whose live attempt did not succeed; sequence 0 stands for the webhook itself being slow.
func (b *Backlog) cover(a delivery.Attempt, streak int, policy delivery.Backoff) {
	switch class := a.Outcome.Class(); {
	case a.Seq == 0:
		b.want()
	case class == delivery.Rejected:
		full := b.full()
		b.reject(a, policy)
		b.Streak = streak
		if streak >= streakFails || full {
			b.want()
			b.fail(a, policy)
		}
	case class == delivery.Cut:
		b.hold(a.Seq, a.Number)
	case class == delivery.Ended:
		b.hold(a.Seq, a.Number)
		b.Gone = true
		b.want()
		b.fail(a, policy)
	default:
		b.hold(a.Seq, a.Number)
		b.want()
		if a.Outcome != delivery.Slow {
			b.fail(a, policy)
		}
	}
}

// want asks for an open span, if there is none.
func (b *Backlog) want() {
	if _, open := b.open(); !open {
		b.Want = true
	}
}

// activate makes the backlog follow an activation: with a replay, what the open span holds up to until, and what
// waited already, is sent; without, it is dropped. What was published from the activation on is sent in any case.
// It is idempotent.
func (b *Backlog) activate(a registry.Activation) {
	if b.Activated.Equal(a.At) {
		return
	}
	until, from := a.Until.Seq, a.From.Seq
	_, spanned := b.open()
	b.Activated, b.Parked, b.Gone, b.Want, b.Streak = a.At, false, false, !spanned, 0
	b.Health, b.Next, b.Alarm, b.Probe = registry.Health{}, time.Time{}, time.Time{}, Probe{}
	// What waits by itself may be later than the window too: the live path handed it over before the open range began.
	dropped := func(seq uint64) bool { return seq < from && (!a.Replay || seq >= until) }
	b.Pending = slices.DeleteFunc(b.Pending, func(w Waiting) bool { return dropped(w.Seq) })
	b.Again = slices.DeleteFunc(b.Again, func(w Waiting) bool { return dropped(w.Seq) })
	b.Retries = slices.DeleteFunc(b.Retries, func(r Retry) bool { return dropped(r.Seq) })
	for i := range b.Retries {
		b.Retries[i].Next, b.Retries[i].Since = time.Time{}, a.At
	}
	if a.Replay {
		b.Replay = from
	}
	spans := b.Spans
	b.Spans = nil
	for _, s := range spans {
		switch {
		case !s.Open() && a.Replay:
			b.Spans = append(b.Spans, s)
		case s.Open():
			if a.Replay && until >= from {
				b.Spans = append(b.Spans, s)
				continue
			}
			if a.Replay && s.Next < until {
				b.Spans = append(b.Spans, Span{Next: s.Next, To: until})
			}
			s.Next = max(s.Next, from)
			b.Spans = append(b.Spans, s)
		}
	}
}
