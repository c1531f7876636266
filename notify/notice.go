// Package notify tells people: a notice is stored in the stream NOTICES before the change that it tells of counts as
// done, and it is logged.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/registry"
)

// Kind of a notice, the last token of its subject.
type Kind string

// The kinds.
const (
	Deactivated Kind = "deactivated" // a webhook failed for too long and gets no events any more
	Exhausted   Kind = "exhausted"   // an event was given up
)

// Notice is what a person is told, as the stream keeps it.
type Notice struct {
	Version int    `json:"v"`
	Kind    Kind   `json:"kind"`
	Account string `json:"account"`
	// Webhook, App and Event say which webhook.
	Webhook uint64    `json:"webhook"`
	App     string    `json:"app"`
	Event   string    `json:"event"`
	At      time.Time `json:"at"`
	// Reason is why, in a sentence.
	Reason string `json:"reason"`
	// ReplayUntil is the end of what a replay after a deactivation sends.
	ReplayUntil time.Time `json:"replay_until,omitzero"`
	// Seq and Attempts are those of an event that was given up.
	Seq      uint64 `json:"seq,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
}

// Notices stores and logs notices. It is safe for concurrent use.
type Notices struct {
	js     jetstream.Publisher
	window time.Duration
	log    *zap.Logger
}

// New makes Notices. Window is how long after a deactivation events are kept for a replay.
func New(js jetstream.Publisher, window time.Duration, log *zap.Logger) *Notices {
	return &Notices{js: js, window: window, log: log}
}

// Deactivated tells that a webhook was deactivated, as its record says.
func (n *Notices) Deactivated(ctx context.Context, w registry.Webhook) error {
	return n.store(ctx, w, fmt.Sprintf("%s.%d", w.Key(), w.Deactivated.UnixNano()), Notice{
		Kind: Deactivated, At: w.Deactivated, Reason: w.Reason, ReplayUntil: w.Deactivated.Add(n.window),
	})
}

// Exhausted tells that an event was given up after so many attempts, and why.
func (n *Notices) Exhausted(ctx context.Context, w registry.Webhook, seq uint64, attempts int, reason string) error {
	return n.store(ctx, w, fmt.Sprintf("%s.%d", w.Key(), seq), Notice{
		Kind: Exhausted, At: time.Now().UTC(), Reason: reason, Seq: seq, Attempts: attempts,
	})
}

// store keeps a notice once, whatever is tried again within an hour, and then logs it.
func (n *Notices) store(ctx context.Context, w registry.Webhook, id string, notice Notice) error {
	notice.Version, notice.Account, notice.Webhook, notice.App, notice.Event = 1, w.Account, w.ID, w.App, w.Event
	data, err := json.Marshal(notice)
	if err != nil {
		return fmt.Errorf("store a notice: %w", err)
	}
	subject := "notices." + w.Account + "." + string(notice.Kind)
	ack, err := n.js.PublishMsg(ctx, &nats.Msg{
		Subject: subject, Data: data, Header: nats.Header{nats.MsgIdHdr: {string(notice.Kind) + "." + id}},
	})
	if err != nil {
		return fmt.Errorf("store the notice %s: %w", subject, err)
	}
	if !ack.Duplicate {
		n.log.Warn("notice", zap.String("kind", string(notice.Kind)), zap.Object("webhook", &w), zap.String("reason", notice.Reason))
	}
	return nil
}
