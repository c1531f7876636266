package delivery

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/saumer/saumer/event"
)

// Sender makes attempts, logs them, and notes who can be reached. It is safe for concurrent use.
type Sender struct {
	client  *Client
	log     *Log
	outages *Outages
}

// NewSender makes a sender.
func NewSender(c *Client, l *Log, o *Outages) *Sender { return &Sender{client: c, log: l, outages: o} }

// Attempt makes one attempt; see [Client.Do]. One that our own stop cut off is logged as well: it may have arrived.
func (s *Sender) Attempt(ctx context.Context, t Target, r Request) Attempt {
	a := s.client.Do(ctx, t, r)
	s.outages.Note(t, a)
	s.log.Append(t.Key, a)
	return a
}

// Test makes one attempt with the sample of an event that did not happen, and logs it. It says nothing of the webhook's
// health, nor of whether hosts can be reached.
func (s *Sender) Test(ctx context.Context, t Target, name string) Attempt {
	a := s.client.Do(ctx, t, Request{Event: name, ID: "test-" + rand.Text(), Data: event.Sample(name), Number: 1, Test: true})
	s.log.Append(t.Key, a)
	return a
}

// Outage says whether most endpoints that were tried lately cannot be reached.
func (s *Sender) Outage() bool { return s.outages.Most() }

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
