package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// Loss is what NATS had stored and does not have any more, in one going back of the stream EVENTS: as a whole over all
// processes, and whatever was found out about it, one after the other.
type Loss struct {
	// From is the time of the newest event that is still there, zero if none is known, and To that of the newest one that is
	// gone.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`
	// Events is how many events are known to be gone: those that were handed out, or wait in a backlog. Others may be gone.
	Events uint64 `json:"events"`
	// Found is when it was found, which tells two losses apart.
	Found time.Time `json:"found"`
	// Told is true once people were told.
	Told bool `json:"told,omitempty"`
}

const (
	// lossesKey is where the losses are kept, in the bucket of positions, and lossesForm is the form that this version writes.
	lossesKey, lossesForm = "losses", 1
	// lossesKept bounds the losses that are kept, and lossTries the rounds of a compare-and-set.
	lossesKept, lossTries = 16, 20
	// gathering is how long what is found of a loss is gathered before people are told.
	gathering = 10 * time.Second
)

// losses are the losses as they are kept, oldest first.
type losses struct {
	Form   int    `json:"v"`
	Losses []Loss `json:"losses"`
}

// add takes in what was found, and says whether that changes anything. What is from before a loss was found belongs to it if it
// overlaps with it, or if people were not told of it yet.
func (l *losses) add(found Loss) bool {
	for i := range l.Losses {
		known := &l.Losses[i]
		overlaps := !found.From.After(known.To) && !known.From.After(found.To)
		if found.To.After(known.Found) || known.Told && !overlaps {
			continue
		}
		if known.Told {
			return false
		}
		before := *known
		if overlaps {
			known.Events = max(known.Events, found.Events)
		} else {
			known.Events += found.Events
		}
		if found.From.Before(known.From) {
			known.From = found.From
		}
		if found.To.After(known.To) {
			known.To = found.To
		}
		return *known != before
	}
	l.Losses = append(l.Losses, found)
	if more := len(l.Losses) - lossesKept; more > 0 {
		l.Losses = l.Losses[more:]
	}
	return true
}

// Lost takes in that the stream does not hold events any more that it held: people will be told, once.
func (b *Broker) Lost(ctx context.Context, found Loss) error {
	found.From, found.To, found.Found = found.From.UTC(), found.To.UTC(), b.Now().UTC()
	changed, err := b.changeLosses(ctx, func(l *losses) bool { return l.add(found) })
	if err != nil {
		return fmt.Errorf("note what NATS lost: %w", err)
	}
	if changed {
		b.options.Log.Error("NATS lost events that it had stored",
			zap.Uint64("events", found.Events), zap.Time("since", found.From), zap.Time("until", found.To))
	}
	return nil
}

// Untold are the losses that people were not told of yet, each once all processes had the time to look.
func (b *Broker) Untold(ctx context.Context) ([]Loss, error) {
	l, _, err := b.loadLosses(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask what NATS lost: %w", err)
	}
	var untold []Loss
	for _, loss := range l.Losses {
		if !loss.Told && b.Now().Sub(loss.Found) >= gathering {
			untold = append(untold, loss)
		}
	}
	return untold, nil
}

// Told takes in that people were told of a loss.
func (b *Broker) Told(ctx context.Context, loss Loss) error {
	_, err := b.changeLosses(ctx, func(l *losses) (changed bool) {
		for i := range l.Losses {
			if l.Losses[i].Found.Equal(loss.Found) && !l.Losses[i].Told {
				l.Losses[i].Told, changed = true, true
			}
		}
		return changed
	})
	if err != nil {
		return fmt.Errorf("note that people were told what NATS lost: %w", err)
	}
	return nil
}

// changeLosses changes the record of the losses by compare-and-set, and says whether it did.
func (b *Broker) changeLosses(ctx context.Context, change func(*losses) bool) (bool, error) {
	for range lossTries {
		l, revision, err := b.loadLosses(ctx)
		if err != nil {
			return false, err
		}
		if l.Form > lossesForm || !change(&l) {
			return false, nil
		}
		l.Form = lossesForm
		value, err := json.Marshal(l)
		if err != nil {
			return false, err
		}
		if _, err = b.positions.Put(ctx, lossesKey, value, revision); !errors.Is(err, ErrChanged) {
			return err == nil, err
		}
	}
	return false, ErrChanged
}

// loadLosses reads the record of the losses with its revision. One that cannot be read is as good as none; one of a newer form
// is left to the version that wrote it, by its Form.
func (b *Broker) loadLosses(ctx context.Context) (l losses, revision uint64, err error) {
	entry, err := b.positions.Get(ctx, lossesKey)
	if errors.Is(err, ErrNoKey) {
		return losses{}, 0, nil
	}
	if err != nil {
		return losses{}, 0, err
	}
	if err := json.Unmarshal(entry.Value, &l); err != nil || l.Form > lossesForm {
		b.options.Log.Warn("the record of what NATS lost cannot be read", zap.Int("form", l.Form), zap.Error(err))
		return losses{Form: l.Form}, entry.Revision, nil
	}
	return l, entry.Revision, nil
}

// loss is what the stream lost of what was handed out: nothing, as long as it holds the marked event, or all later ones have
// higher sequences.
func (s stand) loss() (lost event.Position, events uint64) {
	switch {
	case s.lost():
		// What is later than the mark has the sequence after that of the newest event that is still there.
		return s.mark.Position, s.mark.Seq + 1 - min(max(s.after, s.mark.First), s.mark.Seq+1)
	case s.exists && s.delivered > s.last:
		return event.Position{Seq: s.delivered}, s.delivered - s.last
	}
	return event.Position{}, 0
}

// tellLoss takes in what a look at stream and consumer shows to be lost.
func (b *Broker) tellLoss(ctx context.Context, s stand) error {
	lost, events := s.loss()
	if events == 0 {
		return nil
	}
	found := Loss{To: lost.Time, Events: events}
	if lost.Time.IsZero() {
		found.To = b.Now()
	}
	// What is before what is lost may be gone too, by the retention.
	there, err := b.positionOf(ctx, min(s.after-1, s.last))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	found.From = there.Time
	return b.Lost(ctx, found)
}
