package replay

import (
	"slices"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// changes are what a runner has found out since its last checkpoint, as steps from whatever the record is by then:
// the live path and people change it too. The zero value is no change.
type changes struct {
	// steps settle, hold or reject single events.
	steps []func(*Backlog, delivery.Backoff)
	// healthy is when the last success was, zero for none; failure is the one that ended the pass.
	healthy time.Time
	failure *delivery.Attempt
	// proof is a retry that was rejected so long, without a success of any event, that it speaks for the endpoint.
	proof  *Retry
	gone   bool
	streak *int
	// positions are the spans as far as they have come; same says which span of the record is meant.
	positions []Span
}

func (c *changes) step(f func(*Backlog, delivery.Backoff)) { c.steps = append(c.steps, f) }

func (c *changes) settled(seq uint64) { c.step(func(b *Backlog, _ delivery.Backoff) { b.settle(seq) }) }

func (c *changes) succeeded(a delivery.Attempt) {
	c.settled(a.Seq)
	c.healthy, c.failure, c.streak = a.At.Add(a.Duration), nil, nil
}

func (c *changes) givenUp(r Retry) { c.step(func(b *Backlog, _ delivery.Backoff) { b.giveUp(r) }) }

func (c *changes) held(a delivery.Attempt) {
	c.step(func(b *Backlog, _ delivery.Backoff) {
		b.mark(a)
		b.hold(a.Seq, a.Number)
	})
}

// cut keeps an event whose attempt says nothing.
func (c *changes) cut(a delivery.Attempt) {
	c.step(func(b *Backlog, _ delivery.Backoff) {
		b.mark(a)
		if _, found := b.retry(a.Seq); !found {
			b.Pending.add(a.Seq, max(a.Number-1, 0))
		}
	})
}

func (c *changes) rejected(a delivery.Attempt, policy delivery.Backoff) {
	c.step(func(b *Backlog, _ delivery.Backoff) { b.reject(a, policy) })
}

func (c *changes) failed(a delivery.Attempt) { c.failure = &a }

func (c *changes) unbroken(r Retry) { c.proof = &r }

// none says whether there is nothing to write into the record.
func (c *changes) none(b *Backlog) bool {
	return len(c.steps) == 0 && c.healthy.IsZero() && c.failure == nil && !c.gone && c.streak == nil &&
		!slices.ContainsFunc(b.Spans, func(s Span) bool { return c.position(s) != s.Next })
}

// position is how far a span has come.
func (c *changes) position(s Span) uint64 {
	for _, p := range c.positions {
		if p.same(s) {
			return max(s.Next, p.Next)
		}
	}
	return s.Next
}

// apply makes the changes. It may be called again on a newer record.
func (c *changes) apply(b *Backlog, policy delivery.Backoff) {
	for _, step := range c.steps {
		step(b, policy)
	}
	if !c.healthy.IsZero() {
		b.heal(c.healthy)
	}
	if c.streak != nil {
		b.Streak = *c.streak
	}
	if c.failure != nil {
		if c.proof != nil && !b.Health.Failing() {
			b.Health = registry.Health{Attempts: c.proof.Attempts - 1, Since: c.proof.Since}
		}
		b.fail(*c.failure, policy)
		b.want()
	}
	b.Gone = b.Gone || c.gone
	for i := range b.Spans {
		b.Spans[i].Next = c.position(b.Spans[i])
	}
	b.Spans = slices.DeleteFunc(b.Spans, func(s Span) bool { return !s.Open() && s.Next >= s.To })
}
