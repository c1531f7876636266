package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
)

// properties are a webhook on the wire. The web service says what is true as 1 or 0, REST as true or false.
type properties[Flag int | bool] struct {
	ID           uint64 `json:"id"`
	App          string `json:"app"`
	Event        string `json:"event"`
	URL          string `json:"url"`
	Active       Flag   `json:"active"`
	State        string `json:"state"`
	Created      stamp  `json:"created"`
	FailingSince stamp  `json:"failingSince"`
	Deactivated  stamp  `json:"deactivated"`
	Reason       string `json:"reason"`
	LastError    string `json:"lastError"`
	NextAttempt  stamp  `json:"nextAttempt"`
	Lag          uint64 `json:"lag"`
	Cursor       uint64 `json:"cursor"`
	Buffered     uint64 `json:"buffered"`
	// KeptUntil is when the retention begins to drop what waits, ReplayUntil the end of what a replay sends.
	KeptUntil   stamp  `json:"keptUntil"`
	ReplayUntil stamp  `json:"replayUntil"`
	Gap         uint64 `json:"gap"`
	Ordered     Flag   `json:"ordered"`
	// Note is there if a change is made and deliveries do not show it yet, if a new webhook has a twin, and of one that fails while our
	// own network seems to be down.
	Note string `json:"note,omitempty"`
}

// pausing is what an answer says of a webhook that is about to be paused.
const pausing = "the webhook will be paused as soon as its backlog is looked at"

// noteOf is what an answer says of a change that deliveries may not show yet.
func noteOf(unindexed bool) string {
	if !unindexed {
		return ""
	}
	return "this is done, and not to be tried again; deliveries wait until the index of webhooks shows it"
}

// note is what an answer says of a webhook beside its properties.
func (w Webhook) note() string {
	var notes []string
	if w.Pausing {
		notes = append(notes, pausing)
	}
	if len(w.Twins) > 0 {
		notes = append(notes, fmt.Sprintf("webhook %d has the same app, event and URL: each event is sent there more than once", w.Twins[0]))
	}
	if !w.Outage.IsZero() {
		notes = append(notes, fmt.Sprintf("our own network seems to be down since %s, and the webhook is not deactivated for it", w.Outage.UTC().Format(time.RFC3339)))
	}
	if w.Unindexed {
		notes = append(notes, noteOf(true))
	}
	return strings.Join(notes, "; ")
}

func propertiesOf[Flag int | bool](w Webhook, flag func(bool) Flag) properties[Flag] {
	return properties[Flag]{
		ID: w.ID, App: w.App, Event: w.EventText(), URL: w.URL, Active: flag(w.Active), State: w.Status.State,
		Created: stamp(w.Created), FailingSince: stamp(w.Status.FailingSince), Deactivated: stamp(w.Deactivated),
		Reason: w.Reason, LastError: w.Status.LastError, NextAttempt: stamp(w.Status.NextAttempt),
		Lag: w.Status.Lag, Cursor: w.Status.Cursor, Buffered: w.Status.Buffered, KeptUntil: stamp(w.Status.KeptUntil),
		ReplayUntil: stamp(w.ReplayUntil), Gap: w.Status.Gap,
		Ordered: flag(w.Settings.Ordered), Note: w.note(),
	}
}

// numbered are the properties with what is true as 1 and what is not as 0.
func numbered(w Webhook) properties[int] {
	return propertiesOf(w, func(is bool) int {
		if is {
			return 1
		}
		return 0
	})
}

// restWebhook is a webhook with its settings.
type restWebhook struct {
	properties[bool]
	Settings settings       `json:"settings"`
	Filter   *filter.Filter `json:"filter,omitempty"`
	// Events are there if there are several: names and patterns.
	Events []string `json:"events,omitempty"`

	version string
}

func restWebhookOf(w Webhook) restWebhook {
	return restWebhook{propertiesOf(w, func(is bool) bool { return is }), settingsOf(w.Settings), w.Filter, w.Events, w.Tag()}
}

// tag is the entity tag of what is shown.
func (w restWebhook) tag() string { return w.version }

// stamp is a time on the wire: RFC 3339 in UTC with milliseconds, or null for the zero time.
type stamp time.Time

// MarshalJSON never fails.
func (s stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(s).UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// settings are those of a webhook in the REST shell.
type settings struct {
	MaxInFlight int  `json:"maxInFlight,omitempty"`
	Ordered     bool `json:"ordered,omitempty"`
	// Timeout is such as "5s" or "1m30s".
	Timeout string `json:"timeout,omitempty"`
	// Headers may hold credentials, and are taken but never shown.
	Headers map[string]string `json:"headers,omitempty"`
}

func settingsOf(s registry.Settings) settings {
	out := settings{MaxInFlight: s.MaxInFlight, Ordered: s.Ordered}
	if s.Timeout != 0 {
		out.Timeout = s.Timeout.String()
	}
	return out
}

// registry reads the settings: ErrSettings.
func (s settings) registry() (registry.Settings, error) {
	timeout, err := parseTimeout(s.Timeout)
	return registry.Settings{MaxInFlight: s.MaxInFlight, Ordered: s.Ordered, Timeout: timeout, Headers: s.Headers}, err
}

// attempt is an entry of the attempt log on the wire.
type attempt struct {
	Position uint64           `json:"position"`
	Sequence uint64           `json:"sequence"`
	ID       string           `json:"id"`
	Attempt  int              `json:"attempt"`
	Replay   bool             `json:"replay"`
	Test     bool             `json:"test"`
	At       stamp            `json:"at"`
	Millis   float64          `json:"milliseconds"`
	Outcome  delivery.Outcome `json:"outcome"`
	Status   int              `json:"status"`
	Error    string           `json:"error"`
	Response string           `json:"response"`
}

func attemptOf(e delivery.Entry) attempt {
	return attempt{
		Position: e.Position, Sequence: e.Seq, ID: e.ID, Attempt: e.Number, Replay: e.Replay, Test: e.Test, At: stamp(e.At),
		Millis: millis(e.Duration), Outcome: e.Outcome, Status: e.Status, Error: e.Error,
		// What is not UTF-8 in it is replaced on the way out.
		Response: string(e.Response),
	}
}

// exchange is an attempt with what it sent.
type exchange struct {
	attempt
	Request request `json:"request"`
}

// request is what an attempt sent.
type request struct {
	URL    string      `json:"url"`
	Header http.Header `json:"header"`
	// Body is null if the event is gone.
	Body *string `json:"body"`
}

func exchangeOf(x Exchange) exchange {
	var body *string
	if x.Body != nil {
		text := string(x.Body)
		body = &text
	}
	return exchange{attemptOf(x.Entry), request{x.URL, x.Header, body}}
}

// notice is a notice on the wire.
type notice struct {
	Sequence     uint64      `json:"sequence"`
	Kind         notify.Kind `json:"kind"`
	At           stamp       `json:"at"`
	Webhook      uint64      `json:"webhook"`
	App          string      `json:"app"`
	Event        string      `json:"event"`
	Host         string      `json:"host"`
	Reason       string      `json:"reason"`
	Since        stamp       `json:"since"`
	Deactivation stamp       `json:"deactivation"`
	Buffered     uint64      `json:"buffered"`
	ReplayUntil  stamp       `json:"replayUntil"`
	Link         string      `json:"link"`
	Expires      stamp       `json:"expires"`
	Sequences    []uint64    `json:"sequences"`
	Attempts     int         `json:"attempts"`
	// Events is how many events NATS lost, published after Since and until Until.
	Events uint64 `json:"events"`
	Until  stamp  `json:"until"`
	// Channels say what came of it, each at its last attempt.
	Channels []channelResult `json:"channels"`
}

// channelResult is what came of a notice by a channel.
type channelResult struct {
	Channel  string        `json:"channel"`
	Result   notify.Result `json:"result"`
	At       stamp         `json:"at"`
	Attempts int           `json:"attempts"`
	Error    string        `json:"error"`
}

func channelResultOf(r notify.Receipt) channelResult {
	return channelResult{r.Channel, r.Result, stamp(r.At), r.Attempts, r.Error}
}

func noticeOf(n notify.Notice) notice {
	return notice{
		Sequence: n.Sequence, Kind: n.Kind, At: stamp(n.At), Webhook: n.Webhook, App: n.App, Event: n.Event, Host: n.Host,
		Reason: n.Reason, Since: stamp(n.Since), Deactivation: stamp(n.Deactivation), Buffered: n.Buffered,
		ReplayUntil: stamp(n.ReplayUntil), Link: n.Link, Expires: stamp(n.Expires),
		Sequences: append([]uint64{}, n.Seqs...), Attempts: n.Attempts, Events: n.Events, Until: stamp(n.Until),
		Channels: each(n.Receipts, channelResultOf),
	}
}

// restAccount is an account on the wire.
type restAccount struct {
	Name     string `json:"name"`
	Operator bool   `json:"operator"`
	Email    string `json:"email"`
	Language string `json:"language"`
	Zone     string `json:"zone"`
	// Unreadable is there if the record of the account cannot be read.
	Unreadable bool `json:"unreadable,omitempty"`
}

func restAccountOf(a registry.Account) restAccount {
	return restAccount{a.Name, a.Operator, a.Contact.Email, a.Contact.Language, a.Contact.Zone, a.Unreadable}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// each makes what a function makes of each.
func each[From, To any](all []From, of func(From) To) []To {
	made := make([]To, len(all))
	for i, one := range all {
		made[i] = of(one)
	}
	return made
}
