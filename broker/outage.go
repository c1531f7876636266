package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Outage is a time in which our own network seems to be down, as a process or several of them saw it.
type Outage struct {
	Form int `json:"v"`
	// Since is when it began, and Seen when a process saw it last, both by the time that all processes share.
	Since time.Time `json:"since"`
	Seen  time.Time `json:"seen"`
	// Over is true if who saw it does not see it any more.
	Over bool `json:"over,omitempty"`
	// Told is true once people were told.
	Told bool `json:"told,omitempty"`
}

const (
	// outageKey is where the last outage is kept, in the bucket of positions, and outageForm is the form that this version writes.
	outageKey, outageForm = "outage", 1
	// outageEnds is for how long no process has seen an outage of which nobody knows whether it goes on: each says so once a minute
	// while it does. Within outageGap a process that starts takes it for granted.
	outageEnds, outageGap = 150 * time.Second, time.Hour
	// outageTries bounds the rounds of a compare-and-set.
	outageTries = 20
)

// Lasts says whether it goes on, as far as is known at a time.
func (o Outage) Lasts(now time.Time) bool { return o.within(now, outageEnds) }

// Unended says whether it may go on, as far as was known lately: a process that has reached nobody since its start believes so.
func (o Outage) Unended(now time.Time) bool { return o.within(now, outageGap) }

func (o Outage) within(now time.Time, d time.Duration) bool {
	return !o.Seen.IsZero() && !o.Over && now.Sub(o.Seen) < d
}

// SeeOutage takes in that this process sees an outage that began for it at a time. What began before another one was seen last is
// that one.
func (b *Broker) SeeOutage(ctx context.Context, since time.Time) error {
	return b.changeOutage(ctx, func(o *Outage, now time.Time) bool {
		if since.After(o.Seen) {
			*o = Outage{Since: since.UTC()}
		}
		if since.Before(o.Since) {
			o.Since = since.UTC()
		}
		o.Seen, o.Over = now.UTC(), false
		return true
	})
}

// EndOutage takes in that this process, which saw an outage, does not any more. Where another one does, it goes on.
func (b *Broker) EndOutage(ctx context.Context) error {
	return b.changeOutage(ctx, func(o *Outage, now time.Time) bool {
		changed := o.Lasts(now)
		o.Over = o.Over || changed
		return changed
	})
}

// OutageTold takes in that people were told of an outage.
func (b *Broker) OutageTold(ctx context.Context, told Outage) error {
	return b.changeOutage(ctx, func(o *Outage, _ time.Time) bool {
		changed := !o.Told && o.Since.Equal(told.Since)
		o.Told = o.Told || changed
		return changed
	})
}

// Outage is the last outage, and whether it goes on.
func (b *Broker) Outage(ctx context.Context) (Outage, bool, error) {
	o, _, err := b.loadOutage(ctx)
	if err != nil {
		return Outage{}, false, fmt.Errorf("ask whether our own network seems to be down: %w", err)
	}
	return o, o.Lasts(b.Now()), nil
}

// changeOutage changes the record of the last outage by compare-and-set, unless change says that nothing is to be.
func (b *Broker) changeOutage(ctx context.Context, change func(o *Outage, now time.Time) bool) error {
	err := ErrChanged
	for try := 0; try < outageTries && errors.Is(err, ErrChanged); try++ {
		var o Outage
		var revision uint64
		if o, revision, err = b.loadOutage(ctx); err != nil {
			break
		}
		if o.Form > outageForm || !change(&o, b.Now()) {
			return nil
		}
		o.Form = outageForm
		var value []byte
		if value, err = json.Marshal(o); err == nil {
			_, err = b.positions.Put(ctx, outageKey, value, revision)
		}
	}
	if err != nil {
		return fmt.Errorf("note an outage of our own network: %w", err)
	}
	return nil
}

// loadOutage reads the record with its revision. One that cannot be read is as good as none; one of a newer form is left to the
// version that wrote it, by its Form.
func (b *Broker) loadOutage(ctx context.Context) (o Outage, revision uint64, err error) {
	entry, err := b.positions.Get(ctx, outageKey)
	if errors.Is(err, ErrNoKey) {
		return Outage{}, 0, nil
	}
	if err != nil {
		return Outage{}, 0, err
	}
	if err := json.Unmarshal(entry.Value, &o); err != nil || o.Form > outageForm {
		b.options.Log.Warn("the record of the last outage of our own network cannot be read", zap.Int("form", o.Form), zap.Error(err))
		return Outage{Form: o.Form}, entry.Revision, nil
	}
	return o, entry.Revision, nil
}
