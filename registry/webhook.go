// Package registry holds webhooks and accounts: the journal in JetStream is the truth, the index in Redis is what
// look-ups read, and an attempt's effect on a webhook's health is decided here.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// Errors for callers; match them with errors.Is.
var (
	// ErrNotFound is returned for a webhook or account that does not exist for the caller.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned for an account whose name is taken.
	ErrExists = errors.New("exists already")
	// ErrNewer is returned for a record that a newer version of Saumer wrote. It is left alone.
	ErrNewer = errors.New("the record was written by a newer version of Saumer")
	// ErrUnreadable is returned for a record that no version of Saumer wrote. It is left alone.
	ErrUnreadable = errors.New("the record cannot be read")
	// ErrConflict is returned where a record changed so often in between that an update gave up.
	ErrConflict = errors.New("the record keeps changing; try again")
)

// recordVersion is the newest form of a record that this version reads and writes.
const recordVersion = 1

// Webhook is a subscription of a URL to one event of an account, as the journal keeps it.
type Webhook struct {
	Version int    `json:"v"`
	ID      uint64 `json:"id"`
	Account string `json:"account"`
	// App is the user's own name for what the webhook belongs to.
	App     string    `json:"app"`
	Event   string    `json:"event"`
	URL     string    `json:"url"`
	Created time.Time `json:"created"`
	// Secrets are sealed; the current one is first, and while rotating the previous one follows.
	Secrets []string `json:"secrets"`
	// Rotated is when the current secret took over; for Rotation from then the previous one signs too.
	Rotated time.Time `json:"rotated,omitzero"`
	// Active is false from a deactivation to the next activation.
	Active bool `json:"active"`
	// Deactivated and Reason tell of the last deactivation; both empty while active.
	Deactivated time.Time `json:"deactivated,omitzero"`
	Reason      string    `json:"reason,omitempty"`
	// Activation is the last activation after a deactivation, for the backlog to follow.
	Activation *Activation `json:"activation,omitempty"`
	// Replay is the last replay, for its progress; nil if there was none since the last activation.
	Replay *Replay `json:"replay,omitempty"`
	// Ranges are the sequences of events that the live path leaves alone, ascending; only the newest may be open.
	Ranges   []Range  `json:"ranges"`
	Settings Settings `json:"settings,omitzero"`
	// Revision is the journal's; a change is written only if it is still this.
	Revision uint64 `json:"-"`
}

// Activation is what a person decided about the backlog of a webhook that was inactive.
type Activation struct {
	// At is when.
	At time.Time `json:"at"`
	// Replay says whether the events that were kept are sent: those up to Until, the first sequence later than the
	// replay window. Without, or beyond, events are dropped up to From, the first sequence after the activation.
	Replay bool   `json:"replay"`
	Until  uint64 `json:"until"`
	From   uint64 `json:"from"`
	// Deactivated is when the deactivation was that it ended.
	Deactivated time.Time `json:"deactivated,omitzero"`
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

// Range is the interval [From, To) of stream sequences; To 0 means open.
type Range struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to,omitempty"`
}

// Open says whether the range has no end yet.
func (r Range) Open() bool { return r.To == 0 }

// Holds says whether the sequence lies in the range.
func (r Range) Holds(seq uint64) bool { return seq >= r.From && (r.Open() || seq < r.To) }

// RangeOf returns the range that the sequence lies in, if there is one: the live path leaves its event alone, because
// it is not for the webhook or belongs to its backlog. In an open range that may change.
func (w *Webhook) RangeOf(seq uint64) (Range, bool) {
	i := slices.IndexFunc(w.Ranges, func(r Range) bool { return r.Holds(seq) })
	if i < 0 {
		return Range{}, false
	}
	return w.Ranges[i], true
}

// OpenRange appends an open range from a sequence on and drops the ranges that end at or before the floor, which no
// look-up asks about any more. It returns an error and changes nothing if the newest range is open or ends after from.
func (w *Webhook) OpenRange(from, floor uint64) error {
	if n := len(w.Ranges); n > 0 {
		if last := w.Ranges[n-1]; last.Open() || last.To > from {
			return fmt.Errorf("open a range at %d after [%d, %d)", from, last.From, last.To)
		}
	}
	w.Ranges = slices.DeleteFunc(slices.Clone(w.Ranges), func(r Range) bool { return r.To <= floor })
	w.Ranges = append(w.Ranges, Range{From: from})
	return nil
}

// RangeFrom returns the range that begins at a sequence.
func (w *Webhook) RangeFrom(from uint64) (Range, bool) {
	i := slices.IndexFunc(w.Ranges, func(r Range) bool { return r.From == from })
	if i < 0 {
		return Range{}, false
	}
	return w.Ranges[i], true
}

// CloseRange sets the end of the range that begins at from. An end is only ever moved up.
func (w *Webhook) CloseRange(from, to uint64) error {
	for i, r := range w.Ranges {
		if r.From == from {
			w.Ranges = slices.Clone(w.Ranges)
			w.Ranges[i].To = max(r.To, to)
			return nil
		}
	}
	return fmt.Errorf("close the range from %d: there is none", from)
}

// Key of the webhook: unique among all accounts, and a subject's last two tokens.
func (w *Webhook) Key() string { return Key(w.Account, w.ID) }

// Key of the webhook of this account and id.
func Key(account string, id uint64) string { return account + "." + strconv.FormatUint(id, 10) }

// ParseKey takes a webhook's key apart.
func ParseKey(key string) (account string, id uint64, err error) {
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
	e.AddString("event", w.Event)
	e.AddBool("active", w.Active)
	return nil
}

// decodeWebhook reads the record of a webhook of this account: ErrUnreadable or ErrNewer. Of a newer form it returns the
// event alone, beside the error.
func decodeWebhook(account string, data []byte, revision uint64) (Webhook, error) {
	var w Webhook
	err := DecodeRecord(data, recordVersion, &w)
	if err == nil && (w.Account != account || w.ID == 0 || w.Event == "") {
		err = fmt.Errorf("a webhook %s for %q: %w", w.Key(), w.Event, ErrUnreadable)
	}
	if errors.Is(err, ErrNewer) {
		// Where the event stands is the same in every form.
		var newer struct {
			Event string `json:"event"`
		}
		if json.Unmarshal(data, &newer) == nil {
			w.Event = newer.Event
		}
	}
	if err != nil {
		return Webhook{Event: w.Event}, err
	}
	w.Revision = revision
	return w, nil
}

// decodeEntry is decodeWebhook for the record under a key, which must be the webhook's own.
func decodeEntry(key string, data []byte, revision uint64) (Webhook, error) {
	account, _, err := ParseKey(key)
	if err != nil {
		return Webhook{}, err
	}
	w, err := decodeWebhook(account, data, revision)
	if err == nil && w.Key() != key {
		return Webhook{}, fmt.Errorf("a webhook %s: %w", w.Key(), ErrUnreadable)
	}
	return w, err
}

// DecodeRecord reads a record of a bucket: ErrNewer if its form is newer than what is known, ErrUnreadable if it is
// none at all. Every form is a JSON object that names itself, a number from 1, in "v".
func DecodeRecord(data []byte, known int, into any) error {
	var form struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	switch {
	case form.Version < 1:
		return fmt.Errorf("%w: it has no form", ErrUnreadable)
	case form.Version > known:
		return fmt.Errorf("form %d, known up to %d: %w", form.Version, known, ErrNewer)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}
