package replay

import (
	"context"
	"slices"
	"time"

	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/registry"
)

// grouping is how long the events that are given up are collected after people were told of some.
const grouping = time.Hour

// GivenUp are events that were given up and that people have not been told of yet.
type GivenUp struct {
	Seqs []uint64 `json:"seqs,omitempty"`
	// Attempts and Reason are those of the last one.
	Attempts int    `json:"attempts,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Quiet is until when people are not told of such events again; zero: they may be at once.
	Quiet time.Time `json:"quiet,omitzero"`
}

// giveUp is done with an event that was tried for the last time, besides that people are to know.
func (b *Backlog) giveUp(r Retry) {
	b.settle(r.Seq)
	if i, found := slices.BinarySearch(b.GivenUp.Seqs, r.Seq); !found {
		b.GivenUp.Seqs = slices.Insert(b.GivenUp.Seqs, i, r.Seq)
	}
	b.GivenUp.Attempts, b.GivenUp.Reason = r.Attempts, r.Error
}

// heal takes in that the endpoint took an event.
func (b *Backlog) heal(at time.Time) {
	if !b.Failing.IsZero() {
		b.News = append(b.News, registry.News{Kind: registry.NewsRecovered, At: at, Since: b.Failing})
	}
	b.Failing, b.Health, b.Next, b.Streak = time.Time{}, registry.Health{}, time.Time{}, 0
}

// watch sets the alarm of an endpoint that has begun to fail, and turns it off for one that no longer does, or of
// which people know.
func (b *Backlog) watch(after time.Duration) {
	switch {
	case b.Parked || !b.Health.Failing() || b.Health.Since.Equal(b.Failing):
		b.Alarm = time.Time{}
	case b.Alarm.IsZero():
		b.Alarm = b.Health.Since.Add(after)
	}
}

// tell is when people are next to be told of something; never, if there is nothing.
func (b *Backlog) tell() (at time.Time, never bool) {
	switch {
	case len(b.News) > 0, len(b.GivenUp.Seqs) > 0 && b.GivenUp.Quiet.IsZero():
		return time.Time{}, false
	case b.Alarm.IsZero() || !b.GivenUp.Quiet.IsZero() && b.GivenUp.Quiet.Before(b.Alarm):
		return b.GivenUp.Quiet, b.GivenUp.Quiet.IsZero()
	}
	return b.Alarm, false
}

// announce makes news of what people are to know by now.
func (b *Backlog) announce(now time.Time, o *Options, outage bool) {
	switch due := !b.Alarm.IsZero() && !now.Before(b.Alarm); {
	case due && outage:
		// Most endpoints fail, so the fault may be ours: this one's is looked at again later.
		b.Alarm = now.Add(o.FailingAfter)
	case due:
		news := registry.News{Kind: registry.NewsFailing, At: now, Since: b.Health.Since, Reason: b.Health.Last}
		if o.Mode == On {
			news.Deactivation = b.Health.Since.Add(o.Policy.After)
		}
		b.News = append(b.News, news)
		b.Failing, b.Alarm = b.Health.Since, time.Time{}
	}
	if now.Before(b.GivenUp.Quiet) {
		return
	}
	given := b.GivenUp
	b.GivenUp = GivenUp{}
	if len(given.Seqs) > 0 {
		b.News = append(b.News, registry.News{
			Kind: registry.NewsExhausted, At: now, Reason: given.Reason, Seqs: given.Seqs, Attempts: given.Attempts,
		})
		b.GivenUp.Quiet = now.Add(min(grouping, o.Policy.After))
	}
}

// tell stores what people are to know. The record names each news until its notice is stored, so that none is lost
// and none comes twice.
func (r *runner) tell(ctx context.Context) error {
	now := r.Broker.Now()
	if at, never := r.record.tell(); !never && !at.After(now) {
		outage := r.Sender.Outage()
		if err := r.update(ctx, func(b *Backlog) error { b.announce(now, &r.Options, outage); return nil }); err != nil {
			return err
		}
		fault.At(fault.Announced)
	}
	for len(r.record.News) > 0 {
		news := r.record.News[0]
		if err := r.notify(ctx, news); err != nil {
			return err
		}
		if err := r.update(ctx, func(b *Backlog) error {
			b.News = slices.DeleteFunc(slices.Clone(b.News), func(n registry.News) bool {
				return n.Kind == news.Kind && n.At.Equal(news.At)
			})
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// notify stores one notice.
func (r *runner) notify(ctx context.Context, news registry.News) (err error) {
	if news.Kind != registry.NewsRecovered && news.Kind != registry.NewsExhausted {
		backlogs := Backlogs{broker: r.Broker}
		if news.Buffered, err = backlogs.count(ctx, r.webhook, r.record, 0); err != nil {
			return err
		}
	}
	if err := r.Notifier.Tell(ctx, r.webhook, news); err != nil {
		return err
	}
	fault.At(fault.Told)
	return nil
}
