package consumer

import (
	"context"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// batch is what is looked up at once: messages, and the webhooks of their accounts and events. Its slices are used again.
type batch struct {
	arrivals []arrival
	// pairs are those of the messages, each once, and found are the webhooks of each.
	pairs []registry.Pair
	found [][]*registry.Subscription
	// numbers are the places of the pairs.
	numbers map[registry.Pair]int
	passed  []ack
}

// arrival is a message of a batch: where it is in the stream, and the place of its pair; none if it cannot be an event.
type arrival struct {
	msg      *nats.Msg
	position event.Position
	pair     int
}

// none is the place of no pair.
const none = -1

// fill makes it the batch of some messages, with nothing found yet.
func (b *batch) fill(messages []*nats.Msg) {
	b.arrivals, b.pairs = b.arrivals[:0], b.pairs[:0]
	if b.numbers == nil {
		b.numbers = map[registry.Pair]int{}
	}
	clear(b.numbers)
	for i, m := range messages {
		a := arrival{msg: m, pair: none}
		var err error
		if a.position.Seq, a.position.Time, err = broker.Place(m); err == nil {
			// Many in a row are often of one account.
			if i > 0 && messages[i-1].Subject == m.Subject {
				a.pair = b.arrivals[i-1].pair
			} else {
				a.pair = b.number(m.Subject)
			}
		}
		b.arrivals = append(b.arrivals, a)
	}
	b.found = slices.Grow(b.found[:0], len(b.pairs))[:len(b.pairs)]
	clear(b.found)
}

// forget lets go of the messages.
func (b *batch) forget() {
	clear(b.arrivals)
	clear(b.passed)
}

// number is the place of a subject's pair; none if the subject is not that of an event.
func (b *batch) number(subject string) int {
	account, name, err := event.ParseSubject(subject)
	if err != nil {
		return none
	}
	pair := registry.Pair{Account: account, Event: name}
	number, known := b.numbers[pair]
	if !known {
		number = len(b.pairs)
		b.numbers[pair] = number
		b.pairs = append(b.pairs, pair)
	}
	return number
}

// passOver has the events acknowledged that are not the live path's to deliver, and returns the others. All that costs is the
// look: while the backlogs of some work off a flood, the live path gets past it as fast as NATS hands it out.
func (w *Worker) passOver(hard context.Context, b *batch) []arrival {
	left := b.arrivals[:0]
	b.passed = b.passed[:0]
	for _, a := range b.arrivals {
		// What comes again, or has the sequence of another event, is looked at more closely.
		if a.position.Seq > w.inflight.highest && a.pair != none && w.passes(hard, a, b.pairs[a.pair], b.found[a.pair]) {
			b.passed = append(b.passed, ack{a.position.Seq, a.msg})
		} else {
			left = append(left, a)
		}
	}
	if len(b.passed) > 0 {
		w.mu.Lock()
		w.acks.queueLocked(b.passed...)
		w.pace.left += len(b.passed)
		w.mu.Unlock()
	}
	return left
}

// passes says whether an event is to be passed over: a range of each of its webhooks holds it, or it has none. What a backlog
// is going to read is checked there.
func (w *Worker) passes(hard context.Context, a arrival, of registry.Pair, subscriptions []*registry.Subscription) bool {
	if len(subscriptions) == 0 {
		if why, err := w.unknown(hard, of.Account, of.Event); err != nil || why != "" {
			return false // it is asked once more, and what is wrong is said
		}
	}
	read := false
	for _, s := range subscriptions {
		r, held := s.Webhook.RangeOf(a.position)
		if !held {
			return false
		}
		read = read || r.Open()
	}
	if !read && event.Check(a.msg.Data) != nil {
		return false
	}
	for _, s := range subscriptions {
		if r, _ := s.Webhook.RangeOf(a.position); r.Open() {
			w.wakes.pass(hard, s)
		}
	}
	return true
}
