// Package registry holds webhooks and accounts: the journal in JetStream is the truth, the index in Redis is what
// look-ups read, and an attempt's effect on a webhook's health is decided here.
package registry

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/filter"
)

// Webhook is a subscription of a URL to events of an account, as the journal keeps it.
type Webhook struct {
	// Form of the record; what is written is of the newest form.
	Form    int    `json:"v"`
	ID      uint64 `json:"id"`
	Account string `json:"account"`
	// App is the user's own name for what the webhook belongs to.
	App string `json:"app"`
	// Event is the one that the webhook is for, or Several: then Events are names and patterns.
	Event   string    `json:"event"`
	Events  []string  `json:"events,omitempty"`
	URL     string    `json:"url"`
	Created time.Time `json:"created"`
	// secrets are sealed; the current one is first, and while rotating the previous one follows.
	Secrets []string `json:"secrets"`
	// Rotated is when the current secret took over; for rotation from then the previous one signs too.
	Rotated time.Time `json:"rotated,omitzero"`
	// Active is false from a deactivation to the next activation.
	Active bool `json:"active"`
	// Deactivated and Reason tell of the last deactivation; both empty while active.
	Deactivated time.Time `json:"deactivated,omitzero"`
	Reason      string    `json:"reason,omitempty"`
	// Activation is the last activation after a deactivation, for the backlog to follow.
	Activation *backlog.Activation `json:"activation,omitempty"`
	// Replay is the last replay, for its progress; nil if there was none since the last activation.
	Replay *Replay `json:"replay,omitempty"`
	// Ranges are the parts of the stream that the live path leaves out, in the order of their opening; only the newest may
	// be open.
	Ranges   []Range  `json:"ranges"`
	Settings Settings `json:"settings,omitzero"`
	// Filter says which events are for the webhook, by their data; nil leaves out none.
	Filter *filter.Filter `json:"filter,omitempty"`
	// Sealed is the whole URL and the headers, in a record whose URL has more than a host or which has headers: there, URL has only the host.
	// It is empty once it is opened, and stays if it does not open with this process's key.
	Sealed string `json:"sealed,omitempty"`
	// Revision is the journal's; a change is written only if it is still this.
	Revision uint64 `json:"-"`
}

// Replay is what a replay began with.
type Replay struct {
	// At is when, Total how many events were to be sent then.
	At    time.Time `json:"at"`
	Total uint64    `json:"total"`
}

// Settings of one webhook. A zero value means the default of the installation.
type Settings struct {
	MaxInFlight int `json:"max_in_flight,omitempty"`
	// Ordered webhooks get their events in the order of the stream, one at a time, from their backlog for good.
	Ordered bool              `json:"ordered,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// IsZero says whether all settings are the installation's.
func (s Settings) IsZero() bool {
	return s.MaxInFlight == 0 && !s.Ordered && s.Timeout == 0 && len(s.Headers) == 0
}

// Key of the webhook: unique among all accounts, and a subject's last two tokens.
func (w *Webhook) Key() string { return Key(w.Account, w.ID) }

// Key of the webhook of this account and id.
func Key(account string, id uint64) string { return account + "." + strconv.FormatUint(id, 10) }

// parseKey takes a webhook's key apart.
func parseKey(key string) (account string, id uint64, err error) {
	account, number, ok := strings.Cut(key, ".")
	if !ok {
		return "", 0, fmt.Errorf("the key %q is not <account>.<id>", key)
	}
	if id, err = strconv.ParseUint(number, 10, 64); err != nil {
		return "", 0, fmt.Errorf("the id in the key %q: %w", key, err)
	}
	return account, id, nil
}

// MarshalLogObject logs what identifies the webhook and its state: no URL, which may hold a credential, no secret.
func (w *Webhook) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("account", w.Account)
	e.AddUint64("id", w.ID)
	e.AddString("event", w.EventText())
	e.AddBool("active", w.Active)
	return nil
}
