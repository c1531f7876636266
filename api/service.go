// Package api is the service on webhooks, events and accounts, the web service and REST shells over it, and the one
// table of error codes.
package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// Backlogs is what the service needs of package replay. Every method returns record.ErrNotFound for a webhook that
// does not exist.
type Backlogs interface {
	// Status says how the webhook does, with exact counts.
	Status(ctx context.Context, w registry.Webhook) (replay.Status, error)
	// Activate activates a webhook. If it is active already it changes nothing.
	Activate(ctx context.Context, key string, replayEvents bool) (replay.Activated, error)
	// ActivateAfter is Activate for the deactivation of that time only; it returns replay.ErrOver if there has been another
	// activation.
	ActivateAfter(ctx context.Context, key string, deactivated time.Time, replayEvents bool) (replay.Activated, error)
	// Pause deactivates a webhook: replay.ErrInactive if it is inactive, replay.ErrLater if that takes a while.
	Pause(ctx context.Context, key string) (registry.Webhook, error)
	// Moved has the backlog follow a change of the webhook's URL.
	Moved(ctx context.Context, key string) error
	// Delete removes a webhook, its backlog and its log. This node starts no attempt after it has returned, and other
	// nodes stop as they hear of it.
	Delete(ctx context.Context, key string) error
}

var _ Backlogs = (*replay.Backlogs)(nil)

// Addresses says what may be dialed; *delivery.Client does.
type Addresses interface {
	// CheckAddress resolves the host of a URL: delivery.ErrForbidden if it leads where no webhook may lead.
	CheckAddress(ctx context.Context, u *url.URL) error
}

var _ Addresses = (*delivery.Client)(nil)

// Options are what a service works on. All but Proxies are needed.
type Options struct {
	Registry  *registry.Registry
	Accounts  *registry.Accounts
	Backlogs  Backlogs
	Addresses Addresses
	Attempts  *delivery.Log
	Replays   Replays
	Tester    Tester
	Prober    Prober
	Stats     Stats
	// Network says whether our own network seems to be down.
	Network Network
	// Stream reads events.
	Stream  Events
	Notices *notify.Notices
	// Publisher stores events.
	Publisher jetstream.Publisher
	// Key is the secret key of the installation. What it makes of an idempotency key, no publisher on NATS can take.
	Key []byte
	// Window is how long after a deactivation events are kept for a replay.
	Window time.Duration
	// Names are the events that webhooks can be made for.
	Names Names
	// Audit keeps who changed what. Forget removes what the streams hold of an account.
	Audit  *registry.Audit
	Forget func(ctx context.Context, account string) error
	// Limits are what an account may do at most that has no limits of its own.
	Limits registry.Limits
	Log    *zap.Logger
	// Proxies are the networks of proxies that are believed when they say where a request came from.
	Proxies []netip.Prefix
}

// Network says whether our own network seems to be down, as far as any process sees; *broker.Broker does.
type Network interface {
	Outage(ctx context.Context) (o broker.Outage, lasts bool, err error)
}

var _ Network = (*broker.Broker)(nil)

// Names says which events webhooks can be made for; *broker.Broker does.
type Names interface {
	// KnownEvents are their names, as of a while ago.
	KnownEvents() []string
	// KnowsEvent says whether there is one of this name now.
	KnowsEvent(ctx context.Context, name string) (bool, error)
}

var _ Names = (*broker.Broker)(nil)

// Service is what can be asked of Saumer, as functions on domain types. Each takes the account that asks, and for it
// another account's webhooks do not exist. It is safe for concurrent use.
type Service struct {
	o       Options
	keys    messageKey
	budgets *budgets
	batches *batches
	limits  atomic.Pointer[registry.Limits] // of accounts without limits of their own
}

// NewService makes a service.
func NewService(o Options) *Service {
	s := &Service{o: o, keys: newMessageKey(o.Key), budgets: newBudgets(), batches: newBatches()}
	s.Limit(o.Limits)
	return s
}

// Limit sets what an account may do at most that has no limits of its own.
func (s *Service) Limit(l registry.Limits) { s.limits.Store(&l) }

// Webhook is a webhook and how it does.
type Webhook struct {
	registry.Webhook
	Status replay.Status
	// ReplayUntil is the end of what a replay sends: what is published later is left out. Zero if the webhook is active.
	ReplayUntil time.Time
	// Unindexed is set if the change that this is the answer to is made and deliveries do not show it yet.
	Unindexed bool
	// Twins are the ids of webhooks that send the same to the same URL, of one that was just made.
	Twins []uint64
	// Begun is what a replay from where it begins in the past comes to, of one that was just made to begin there.
	Begun *replay.Replayed
	// Outage is since when our own network seems to be down, of a webhook that fails; zero if it does not seem so.
	Outage time.Time
	// Pausing is set if the webhook is about to be paused, and is not yet.
	Pausing bool
}

// CreateInput is what a new webhook is made of.
type CreateInput struct {
	App, Event, URL string
	// From is where in the past the webhook begins; nil: now.
	From *replay.Start
	// Events are several names and patterns in place of one event.
	Events []string
	// Filter says which events are for the webhook; nil: all.
	Filter   *filter.Filter
	Settings registry.Settings
}

// Limits of what a webhook is made of.
const (
	maxApp      = 200 // bytes
	maxInFlight = 1000
	minTimeout  = 100 * time.Millisecond
	maxTimeout  = time.Minute
	maxHeaders  = 20
)

// maxKey is the longest idempotency key, in bytes.
const maxKey = 200

// Create makes an active webhook, and returns it with its secret in the clear, this once. It returns ErrApp, ErrEvent,
// delivery.ErrURL, delivery.ErrForbidden, ErrSettings or filter.Err for what a webhook cannot be made of, and registry.ErrIndex if none
// can be made at the moment. Once the webhook is made, it returns no error.
func (s *Service) Create(ctx context.Context, acc registry.Account, in CreateInput) (Webhook, string, error) {
	if err := checkApp(in.App); err != nil {
		return Webhook{}, "", err
	}
	made := registry.Webhook{Account: acc.Name, App: in.App, URL: in.URL, Filter: some(in.Filter), Settings: in.Settings}
	if err := s.setEvents(ctx, &made, in); err != nil {
		return Webhook{}, "", err
	}
	u, err := delivery.CheckURL(in.URL)
	if err != nil {
		return Webhook{}, "", err
	}
	_, wrong := filter.Compile(in.Filter)
	if err := cmp.Or(checkSettings(in.Settings), wrong); err != nil {
		return Webhook{}, "", err
	}
	if err := s.o.Addresses.CheckAddress(ctx, u); err != nil {
		return Webhook{}, "", err
	}
	if err := s.roomForWebhook(ctx, acc); err != nil {
		return Webhook{}, "", err
	}
	twins, err := s.Twins(ctx, acc, in)
	if err != nil {
		return Webhook{}, "", err
	}
	if in.From != nil {
		if err := s.spend(acc, replays); err != nil {
			return Webhook{}, "", err
		}
	}
	w, secret, err := s.o.Registry.Create(ctx, made)
	unindexed := errors.Is(err, registry.ErrUnindexed)
	if err != nil && !unindexed {
		return Webhook{}, "", err
	}
	var begun *replay.Replayed
	if in.From != nil {
		replayed, err := s.o.Replays.Begin(ctx, w, *in.From)
		if err != nil {
			// Half of what was asked for is not done. Whoever cannot be reached for the one may not be for the other.
			return Webhook{}, "", errors.Join(err, s.o.Backlogs.Delete(context.WithoutCancel(ctx), w.Key()))
		}
		begun = &replayed
	}
	_ = s.noted(ctx, acc, "CreateWebHook", named(w.ID), nil) // hands back the error that it gets
	described, err := s.describe(ctx, w)
	if err != nil {
		// It is made, and the secret is shown only now.
		described = Webhook{Webhook: w, Status: replay.Status{State: replay.Live}}
	}
	described.Unindexed, described.Twins, described.Begun = unindexed, twins, begun
	return described, secret, nil
}

// ParseStart reads where a new webhook begins: nil for now and for nothing, or ErrFrom.
func ParseStart(text string) (*replay.Start, error) {
	if text == "" || text == "now" {
		return nil, nil
	}
	if sequence, err := strconv.ParseUint(text, 10, 64); err == nil && sequence > 0 {
		return &replay.Start{Sequence: sequence}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, ErrFrom
	}
	return &replay.Start{Time: at}, nil
}

// Get returns one webhook: ErrID or record.ErrNotFound.
func (s *Service) Get(ctx context.Context, acc registry.Account, id uint64) (Webhook, error) {
	w, err := s.record(ctx, acc, id)
	if err != nil {
		return Webhook{}, err
	}
	return s.describe(ctx, w)
}

// Twins returns the ids of the account's webhooks that have the app, event, URL and filter of a new one: each event would be sent
// there by each of them.
func (s *Service) Twins(ctx context.Context, acc registry.Account, in CreateInput) (ids []uint64, err error) {
	var new registry.Webhook
	if new.SetEvents([]string{in.Event}); len(in.Events) > 0 {
		new.SetEvents(in.Events)
	}
	all, err := s.o.Registry.List(ctx, acc.Name)
	for _, w := range all {
		if w.App == in.App && w.EventText() == new.EventText() && w.URL == in.URL && reflect.DeepEqual(w.Filter, some(in.Filter)) {
			ids = append(ids, w.ID)
		}
	}
	return ids, err
}

// Activate activates a webhook, and returns it and how many events will be replayed: ErrID or record.ErrNotFound.
// If it is active already it changes nothing. It returns registry.ErrIndex if it cannot be activated at the moment.
func (s *Service) Activate(ctx context.Context, acc registry.Account, id uint64, replayEvents bool) (Webhook, uint64, error) {
	if id == 0 {
		return Webhook{}, 0, ErrID
	}
	a, err := s.o.Backlogs.Activate(ctx, registry.Key(acc.Name, id), replayEvents)
	err = s.noted(ctx, acc, "ActivateWebHook", named(id), err)
	return Webhook{Webhook: a.Webhook, Status: a.Status, Unindexed: a.Unindexed}, a.Events, err
}

// Reactivate is Activate by the right of a link, after the link's deactivation only: record.ErrNotFound, or
// replay.ErrOver if the webhook has been activated in the meantime.
func (s *Service) Reactivate(ctx context.Context, link notify.Link, replayEvents bool) (Webhook, uint64, error) {
	a, err := s.o.Backlogs.ActivateAfter(ctx, registry.Key(link.Account, link.ID), link.Deactivated, replayEvents)
	err = s.noted(ctx, registry.Account{Name: link.Account}, "ActivateWebHook", named(link.ID), err)
	return Webhook{Webhook: a.Webhook, Status: a.Status, Unindexed: a.Unindexed}, a.Events, err
}

// Delete removes a webhook, its backlog and its log, as Backlogs.Delete does: ErrID or record.ErrNotFound.
func (s *Service) Delete(ctx context.Context, acc registry.Account, id uint64) error {
	if id == 0 {
		return ErrID
	}
	return s.noted(ctx, acc, "DeleteWebHookById", named(id), s.o.Backlogs.Delete(ctx, registry.Key(acc.Name, id)))
}

// Attempts returns the kept attempts of a webhook, newest first, and the filter's Before for the next page, 0 if there
// is none: ErrID, record.ErrNotFound, or ErrFilter for an outcome that there is not.
func (s *Service) Attempts(ctx context.Context, acc registry.Account, id uint64, f delivery.LogFilter) ([]delivery.Entry, uint64, error) {
	if f.Outcome != "" && !slices.Contains(delivery.Outcomes, f.Outcome) {
		return nil, 0, fmt.Errorf("%w: an outcome is %s, or one of %s", ErrFilter, failed, list(delivery.Outcomes))
	}
	w, err := s.record(ctx, acc, id)
	if err != nil {
		return nil, 0, err
	}
	return s.o.Attempts.List(ctx, w.Key(), f)
}

// Notices returns the kept notices of the account, or of one of its webhooks, newest first, below a sequence, 0 for
// all, and at most limit. The notices of a webhook that was deleted stay. An operator's account has those to the operator, too.
func (s *Service) Notices(ctx context.Context, acc registry.Account, webhook, before uint64, limit int) ([]notify.Notice, error) {
	listed, err := s.o.Notices.List(ctx, acc.Name, webhook, before, limit)
	if err != nil || !acc.Operator || webhook != 0 {
		return listed, err
	}
	more, err := s.o.Notices.List(ctx, notify.Operator, 0, before, limit)
	if err != nil {
		return nil, err
	}
	listed = append(listed, more...)
	slices.SortFunc(listed, func(a, b notify.Notice) int { return cmp.Compare(b.Sequence, a.Sequence) })
	return listed[:min(limit, len(listed))], nil
}

// CreateAccount makes an account: ErrOperator if the caller is none; event.ErrAccount, registry.ErrPassword,
// registry.ErrEmail, registry.ErrLanguage or registry.ErrZone for what an account cannot be made of, record.ErrExists if the name is
// taken.
func (s *Service) CreateAccount(ctx context.Context, acc registry.Account, name, password string, operator bool, contact registry.Contact) error {
	if !acc.Operator {
		return ErrOperator
	}
	return s.notedFor(ctx, acc, name, "CreateAccount", name, s.o.Accounts.Create(ctx, name, password, operator, contact))
}

// Account returns the caller's own account, or any to an operator: record.ErrNotFound.
func (s *Service) Account(ctx context.Context, acc registry.Account, name string) (registry.Account, error) {
	if name != acc.Name && !acc.Operator {
		return registry.Account{}, record.ErrNotFound
	}
	return s.o.Accounts.Get(ctx, name)
}

// SetContact changes how the people of the caller's own account, or of any for an operator, are told:
// record.ErrNotFound, registry.ErrEmail, registry.ErrLanguage or registry.ErrZone.
func (s *Service) SetContact(ctx context.Context, acc registry.Account, name string, change func(*registry.Contact)) (registry.Account, error) {
	if name != acc.Name && !acc.Operator {
		return registry.Account{}, record.ErrNotFound
	}
	a, err := s.o.Accounts.SetContact(ctx, name, change)
	return a, s.notedFor(ctx, acc, name, "SetAccount", name, err)
}

// Events are the names of the events that webhooks can be made for.
func (s *Service) Events() []string { return s.o.Names.KnownEvents() }

func (s *Service) record(ctx context.Context, acc registry.Account, id uint64) (registry.Webhook, error) {
	if id == 0 {
		return registry.Webhook{}, ErrID
	}
	return s.o.Registry.Get(ctx, registry.Key(acc.Name, id))
}

func (s *Service) describe(ctx context.Context, w registry.Webhook) (Webhook, error) {
	status, err := s.o.Backlogs.Status(ctx, w)
	if err != nil {
		return Webhook{}, fmt.Errorf("ask how webhook %s does: %w", w.Key(), err)
	}
	described := Webhook{Webhook: w, Status: status}
	if !w.Active {
		described.ReplayUntil = w.Deactivated.Add(s.o.Window)
	}
	if !status.FailingSince.IsZero() {
		described.Outage, err = s.Outage(ctx)
	}
	return described, err
}

// Outage is since when our own network seems to be down; zero if it does not.
func (s *Service) Outage(ctx context.Context) (since time.Time, err error) {
	o, lasts, err := s.o.Network.Outage(ctx)
	if err != nil || !lasts {
		return time.Time{}, err
	}
	return o.Since, nil
}

func (s *Service) checkEvent(ctx context.Context, name string) error {
	known, err := s.o.Names.KnowsEvent(ctx, name)
	if err == nil && !known {
		err = fmt.Errorf("%w: use one of %s", ErrEvent, list(s.Events()))
	}
	return err
}

// setEvents has a new webhook be for what it is to be for: ErrEvent or registry.ErrEvents.
func (s *Service) setEvents(ctx context.Context, w *registry.Webhook, in CreateInput) error {
	if len(in.Events) == 0 {
		w.SetEvents([]string{in.Event})
		return s.checkEvent(ctx, in.Event)
	}
	if in.Event != "" {
		return fmt.Errorf("%w: give either event or events", registry.ErrEvents)
	}
	names, err := registry.CheckEvents(in.Events)
	for _, name := range names {
		err = cmp.Or(err, s.checkEvent(ctx, name))
	}
	w.SetEvents(in.Events)
	return err
}

func checkApp(app string) error {
	if strings.TrimSpace(app) == "" || len(app) > maxApp || !utf8.ValidString(app) || strings.ContainsFunc(app, unshown) {
		return ErrApp
	}
	return nil
}

// named is how the audit log names a webhook.
func named(id uint64) string { return strconv.FormatUint(id, 10) }

// unshown says whether a character hides or turns around what people read: controls, line ends, and what sets the direction.
func unshown(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

func checkKey(key string) error {
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ErrKey
	}
	return nil
}

func checkSettings(s registry.Settings) error {
	if s.Ordered && s.MaxInFlight > 1 {
		return fmt.Errorf("%w: ordered has one attempt in flight at a time; leave maxInFlight out", ErrSettings)
	}
	if s.MaxInFlight < 0 || s.MaxInFlight > maxInFlight {
		return fmt.Errorf("%w: maxInFlight is 1 to %d, or 0 for the default", ErrSettings, maxInFlight)
	}
	if s.Timeout != 0 && (s.Timeout < minTimeout || s.Timeout > maxTimeout) {
		return fmt.Errorf("%w: timeout is %s to %s, or 0 for the default", ErrSettings, minTimeout, maxTimeout)
	}
	if len(s.Headers) > maxHeaders {
		return fmt.Errorf("%w: use at most %d headers", ErrSettings, maxHeaders)
	}
	if err := delivery.CheckHeaders(s.Headers); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return nil
}

// list joins names for a sentence.
func list[T ~string](names []T) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = string(n)
	}
	return strings.Join(parts, ", ")
}
