package delivery

import (
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/saumer/saumer/event"
)

// Counts are the statistics of attempts, by the webhook's key; *stats.Stats keeps them. No method waits for anything.
type Counts interface {
	Delivered(key string, took, lag time.Duration)
	Replayed(key string, took time.Duration)
	Rejected(key string)
	Unreachable(key string)
}

// Sender makes attempts, logs and counts them, and notes who can be reached. It is safe for concurrent use.
type Sender struct {
	client  *Client
	log     *Log
	outages *Outages
	counts  Counts
}

// NewSender makes a sender.
func NewSender(c *Client, l *Log, o *Outages, n Counts) *Sender {
	return &Sender{client: c, log: l, outages: o, counts: n}
}

// Attempt makes one attempt; see [Client.Do]. One that our own stop cut off is logged as well: it may have arrived.
func (s *Sender) Attempt(ctx context.Context, t Target, r Request) Attempt {
	a := s.client.Do(ctx, t, r)
	s.outages.note(t, a)
	s.log.Append(t.Key, a)
	s.count(t.Key, a, r.Published)
	return a
}

// count counts an attempt, unless our own stop cut it off. A replay has no lag: somebody asked for it at that time.
func (s *Sender) count(key string, a Attempt, published time.Time) {
	switch a.Outcome.Class() {
	case Success:
		if a.Replay {
			s.counts.Replayed(key, a.Duration)
		} else {
			s.counts.Delivered(key, a.Duration, a.At.Add(a.Duration).Sub(published))
		}
	case Rejected, Ended:
		s.counts.Rejected(key)
	case Unreachable:
		s.counts.Unreachable(key)
	}
}

// Test makes one attempt with the sample of an event that did not happen, and logs it. It says nothing of the webhook's
// health, nor of whether hosts can be reached, and is not counted.
func (s *Sender) Test(ctx context.Context, t Target, name string) Attempt {
	a := s.client.Do(ctx, t, Request{Event: name, ID: "test-" + rand.Text(), Data: event.Sample(name), Number: 1, Test: true})
	s.log.Append(t.Key, a)
	return a
}

// Outage says since when the network seems to be down on our side; false if it does not.
func (s *Sender) Outage() (since time.Time, down bool) { return s.outages.since() }

// Untaken is an event that the endpoint has not taken by what the attempt log knows: the oldest and the newest attempt of it.
type Untaken struct{ First, Last Attempt }

// Untaken are the events that the attempt log of a webhook shows to have failed and not to be taken, by sequence; those whose
// position it does not have are left out.
func (s *Sender) Untaken(ctx context.Context, key string) ([]Untaken, error) {
	entries, _, err := s.log.List(ctx, key, LogFilter{})
	if err != nil {
		return nil, err
	}
	found, taken := map[event.Position]Untaken{}, map[event.Position]bool{}
	for _, e := range entries { // newest first
		p := event.Position{Seq: e.Seq, Time: e.Published.UTC()}
		if p.Time.IsZero() {
			continue
		}
		u, known := found[p]
		if u.First = e.Attempt; !known {
			u.Last = e.Attempt
		}
		found[p] = u
		taken[p] = taken[p] || e.Outcome == Delivered
	}
	maps.DeleteFunc(found, func(p event.Position, _ Untaken) bool { return taken[p] })
	return slices.SortedFunc(maps.Values(found), func(a, b Untaken) int { return cmp.Compare(a.Last.Seq, b.Last.Seq) }), nil
}

// AssumeOutage takes in that the network seemed to be down on our side, since a time, to a process that could tell. This one takes
// its word until a host answers.
func (s *Sender) AssumeOutage(since time.Time) { s.outages.assume(since) }

// SucceededSince says whether the attempt log of a webhook shows a success that began after t. The log is bounded, so
// an old success may have left it; but then newer attempts have pushed it out, and of a webhook that succeeds at all
// some of those succeeded.
func (s *Sender) SucceededSince(ctx context.Context, key string, t time.Time) (bool, error) {
	entries, _, err := s.log.List(ctx, key, LogFilter{Outcome: Delivered})
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.At.After(t) && !e.Test {
			return true, nil
		}
	}
	return false, nil
}
