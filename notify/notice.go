// Package notify tells people: a notice is stored in the stream NOTICES before the change that it tells of counts as
// done. From there each channel takes it by itself: e-mail, a POST to the operator; the log has it as well.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// Kind of a notice, the last token of its subject.
type Kind = backlog.NoticeKind

// The kinds.
const (
	Failing     = backlog.Failing
	Deactivated = backlog.Deactivated
	Recovered   = backlog.Recovered
	Exhausted   = backlog.Exhausted
	Reachable   = backlog.Reachable
	// Lost is told to the operator: NATS does not have events any more that it had stored.
	Lost Kind = "lost"
	// Network is told to the operator: our own network seems to be down.
	Network Kind = "network"
)

// Operator is the account of the notices that are about the installation, and for who runs it. No account can have this name.
const Operator = "_operator"

// Notice is what a person is told, as the stream keeps it. It holds no secret, and of the webhook's URL only the host.
type Notice struct {
	Version int    `json:"v"`
	Kind    Kind   `json:"kind"`
	Account string `json:"account"`
	// Webhook, App, Event and Host say which webhook; they are empty in a notice to the operator.
	Webhook uint64    `json:"webhook"`
	App     string    `json:"app"`
	Event   string    `json:"event"`
	Host    string    `json:"host"`
	At      time.Time `json:"at"`
	// Reason is why, in a sentence.
	Reason string `json:"reason,omitempty"`
	// Since is when the first of the failures was; Deactivation when a webhook that fails will be deactivated.
	Since        time.Time `json:"since,omitzero"`
	Deactivation time.Time `json:"deactivation,omitzero"`
	// Buffered is how many events wait for the webhook.
	Buffered uint64 `json:"buffered,omitempty"`
	// ReplayUntil is the end of what a replay after a deactivation sends.
	ReplayUntil time.Time `json:"replay_until,omitzero"`
	// Deactivated is the deactivation that the link is for. Link leads to the page that activates the webhook, until Expires: it is a
	// right, so that it is made where the notice is shown or sent, and not stored. (Older versions stored it.)
	Deactivated time.Time `json:"deactivated,omitzero"`
	Link        string    `json:"link,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	// Seqs are the stream sequences of exhausted events, Attempts those of the last of them.
	Seqs     []uint64 `json:"seqs,omitempty"`
	Attempts int      `json:"attempts,omitempty"`
	// Events is how many events NATS is known to have lost, published after Since, if that is known, and until Until.
	Events uint64    `json:"events,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Receipts are what came of it, by channel.
	Receipts []Receipt `json:"-"`
	// Page is the page of the console that has more, made where the notice is mailed.
	Page string `json:"-"`
	// Sequence is the notice's own, in the stream; later notices have a higher one.
	Sequence uint64 `json:"-"`
}

// Options of Notices.
type Options struct {
	Broker *broker.Broker
	Links  *Links
	// Window is how long after a deactivation events are kept for a replay, Retention how long the stream keeps any.
	Window, Retention time.Duration
	// Every is how often it is looked for what the operator is to be told.
	Every time.Duration
	Log   *zap.Logger
}

// Notices stores, logs and lists notices. It is safe for concurrent use.
type Notices struct{ o Options }

// New makes Notices.
func New(o Options) *Notices { return &Notices{o} }

// Tell stores and logs a notice of a webhook, once, whatever is tried again within a day. Buffered is how many events wait
// for the webhook.
func (n *Notices) Tell(ctx context.Context, w registry.Webhook, of backlog.Notice, buffered uint64) error {
	notice := Notice{
		Version: form, Kind: of.Kind, Account: w.Account, Webhook: w.ID, App: w.App, Event: w.EventText(), At: of.At,
		Reason: of.Reason, Since: of.Since, Deactivation: of.Deactivation, Buffered: buffered,
		Seqs: of.Seqs, Attempts: of.Attempts,
	}
	if u, err := url.Parse(w.URL); err == nil {
		notice.Host = u.Host
	}
	deactivated := w.Deactivated
	switch of.Kind {
	case Deactivated:
		deactivated = of.At
	case Reachable:
		notice.Reason = w.Reason
	default:
		return n.store(ctx, w, notice)
	}
	if !deactivated.IsZero() { // else somebody has activated it meanwhile
		notice.ReplayUntil = deactivated.Add(n.o.Window)
		// What came first is the first that the retention drops.
		begin := deactivated
		if !of.Since.IsZero() && of.Since.Before(begin) {
			begin = of.Since
		}
		notice.Expires = begin.Add(n.o.Retention).Truncate(time.Second)
		notice.Deactivated = deactivated
	}
	return n.store(ctx, w, notice)
}

// List returns the kept notices of an account, of one webhook or of all for 0, whose sequence is below before, 0 for
// all: newest first, at most limit of them, each with what came of it. A notice that cannot be read is left out, and said in the log.
func (n *Notices) List(ctx context.Context, account string, webhook, before uint64, limit int) ([]Notice, error) {
	var listed []Notice
	for stored, err := range n.o.Broker.Notices(ctx, account, before) {
		if err != nil {
			return nil, fmt.Errorf("list notices: %w", err)
		}
		notice, err := decode(stored.Record, stored.Seq)
		switch {
		case errors.Is(err, record.ErrNewer):
			continue
		case err != nil:
			n.o.Log.Warn("a notice cannot be read", zap.Error(err))
			continue
		case webhook != 0 && notice.Webhook != webhook:
			continue
		}
		if listed = append(listed, n.o.Links.linked(notice)); len(listed) >= limit {
			break
		}
	}
	return listed, n.receipts(ctx, account, listed)
}

// form is the newest form of a notice that this version reads and writes.
const form = 1

// decode reads a stored notice: record.ErrNewer or record.ErrUnreadable.
func decode(data []byte, seq uint64) (Notice, error) {
	var notice Notice
	if err := record.Decode(data, form, &notice); err != nil {
		return notice, fmt.Errorf("read the notice %d: %w", seq, err)
	}
	notice.Sequence = seq
	return notice, nil
}

// store stores and logs a notice of a webhook.
func (n *Notices) store(ctx context.Context, w registry.Webhook, notice Notice) error {
	again, err := n.publish(ctx, w.Key(), notice)
	if err == nil && !again {
		// Without the link: who reads the log may not be whom it is for.
		n.o.Log.Warn("people are told of a webhook", zap.String("kind", string(notice.Kind)), zap.String("webhook", w.Key()), zap.String("reason", notice.Reason))
	}
	return err
}

// publish stores a notice of what has a key, and says whether it was stored before.
func (n *Notices) publish(ctx context.Context, key string, notice Notice) (again bool, err error) {
	data, err := json.Marshal(notice)
	if err != nil {
		return false, fmt.Errorf("store a notice: %w", err)
	}
	subject := broker.NoticeSubject(notice.Account, string(notice.Kind))
	id := fmt.Sprintf("%s.%s.%d", notice.Kind, key, notice.At.UnixNano())
	ack, err := n.o.Broker.JetStream.PublishMsg(ctx, &nats.Msg{
		Subject: subject, Data: data, Header: nats.Header{nats.MsgIdHdr: {id}},
	})
	if err != nil {
		return false, fmt.Errorf("store the notice %s: %w", subject, err)
	}
	return ack.Duplicate, nil
}
