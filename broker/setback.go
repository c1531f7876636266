package broker

import (
	"context"
	"fmt"
	"time"
)

// Setback is a loss of what NATS had stored, as by a loss of power: backlogs may have forgotten what was handed over to them.
// The live path goes back for that. What it passed over, since it lay in a range, it passes over again: whoever keeps ranges
// sees to these.
type Setback struct {
	// Number counts the losses; 0: there was none.
	Number uint64 `json:"n"`
	// At is when it was found, by NATS' clock. From is the first event that the live path hands out again.
	At   time.Time `json:"at"`
	From uint64    `json:"from"`
	// Anew is true if the bucket BACKLOGS was made anew, and so is without all that it held.
	Anew bool `json:"anew,omitempty"`
	// Seen is true once the ranges of all webhooks were seen to.
	Seen bool `json:"seen,omitempty"`
}

// later is the later one of two.
func (s Setback) later(other Setback) Setback {
	if other.Number > s.Number || other.Number == s.Number && other.Seen {
		return other
	}
	return s
}

// Open says whether ranges are still to be seen to.
func (s Setback) Open() bool { return s.Number > 0 && !s.Seen }

// Setback is the last loss of what NATS had stored, by what is written down. That another process has seen to one that this
// process knows of is taken in.
func (b *Broker) Setback(ctx context.Context) (Setback, error) {
	kept, _, err := b.loadMark(ctx)
	b.watch.change(func(m *mark) {
		if m.Setback.Number == kept.Setback.Number {
			m.Setback = m.Setback.later(kept.Setback)
		}
	})
	return b.watch.own().Setback.later(kept.Setback), err
}

// seenTries is how often SeenTo writes beside other processes that write the mark too, each at most once a second.
const seenTries = 10

// SeenTo notes that the ranges of all webhooks were seen to after a loss.
func (b *Broker) SeenTo(ctx context.Context, s Setback) error {
	s.Seen = true
	b.watch.change(func(m *mark) { m.Setback = m.Setback.later(s) })
	for range seenTries {
		if err := b.writeMark(ctx); err != nil {
			return err
		}
		// Another process may have written meanwhile, and then this one has not.
		kept, _, err := b.loadMark(ctx)
		if err != nil || kept.Form > markForm || !kept.Setback.Open() || kept.Setback.Number > s.Number {
			return err
		}
	}
	return fmt.Errorf("note that the loss %d was seen to: others keep writing the mark", s.Number)
}

// SetBack has a word after each loss that this process has found or heard of.
func (b *Broker) SetBack() <-chan struct{} { return b.watch.setBack }

// Unsure says whether what waits for a webhook may be more than its backlog tells: NATS lost something, and that is not seen
// to yet.
func (b *Broker) Unsure() bool { return b.watch.unsure.Load() || b.watch.own().Setback.Open() }

// Doubtful says whether NATS has less than it had, by what is written down, which nobody may have found yet; or has no bucket of
// backlogs at the moment.
func (b *Broker) Doubtful(ctx context.Context) (bool, error) {
	kept, _, err := b.loadMark(ctx)
	if err != nil {
		return false, err
	}
	known := b.watch.own().merged(kept).Streams
	is, err := b.extents(ctx)
	return len(lostStreams(known, is)) > 0, err
}
