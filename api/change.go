package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// ErrTag is returned for a change of a webhook that is not as the caller knows it.
var ErrTag = errors.New("the webhook was changed in the meantime, and nothing was done: read it again")

// Change is what is to be changed of a webhook. What is nil stays.
type Change struct {
	// Tag is the webhook's as the caller knows it; empty if that does not matter.
	Tag      string
	App, URL *string
	// Filter replaces the filter; one that says nothing takes it away.
	Filter   *filter.Filter
	Settings SettingsChange
}

// SettingsChange is Change for the settings. Headers replaces all headers.
type SettingsChange struct {
	MaxInFlight *int
	Timeout     *time.Duration
	Headers     *map[string]string
}

// Tag tells one version from another of what people can change of a webhook. It does not change with what happens to the
// webhook.
func (w Webhook) Tag() string {
	data, _ := json.Marshal([]any{w.App, w.EventText(), w.URL, w.Settings, w.Filter}) // text, numbers and what was read as JSON never fail
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Change changes a webhook. What waits in its backlog follows: it goes to the new URL, of which the failures of the one before
// say nothing. It returns ErrID, record.ErrNotFound, ErrTag, ErrApp, delivery.ErrURL, delivery.ErrForbidden, ErrSettings, filter.Err, or
// registry.ErrIndex if no webhook can be changed at the moment. Once the webhook is changed, it returns no error.
func (s *Service) Change(ctx context.Context, acc registry.Account, id uint64, c Change) (Webhook, error) {
	if id == 0 {
		return Webhook{}, ErrID
	}
	if err := s.checkChange(ctx, c); err != nil {
		return Webhook{}, err
	}
	var before registry.Webhook
	key := registry.Key(acc.Name, id)
	w, err := s.o.Registry.Update(ctx, key, func(w *registry.Webhook) error {
		if c.Tag != "" && c.Tag != (Webhook{Webhook: *w}).Tag() {
			return ErrTag
		}
		before = *w
		c.apply(w)
		return checkSettings(w.Settings)
	})
	unindexed := errors.Is(err, registry.ErrUnindexed)
	if err != nil && !unindexed {
		return Webhook{}, err
	}
	_ = s.noted(ctx, acc, "UpdateWebHook", named(id), nil) // hands back the error that it gets
	if w.URL != before.URL {
		// It is changed. A backlog that does not follow at once goes on by its own clock, to the new URL.
		unindexed = s.o.Backlogs.Moved(ctx, key) != nil || unindexed
	}
	changed, err := s.describe(ctx, w)
	if err != nil {
		changed = Webhook{Webhook: w, Status: replay.Status{State: replay.Lagging}}
	}
	changed.Unindexed = unindexed
	return changed, nil
}

func (s *Service) checkChange(ctx context.Context, c Change) error {
	if c.App != nil {
		if err := checkApp(*c.App); err != nil {
			return err
		}
	}
	if _, err := filter.Compile(c.Filter); err != nil {
		return err
	}
	if c.URL == nil {
		return nil
	}
	u, err := delivery.CheckURL(*c.URL)
	if err != nil {
		return err
	}
	return s.o.Addresses.CheckAddress(ctx, u)
}

// apply changes a record.
func (c Change) apply(w *registry.Webhook) {
	w.App, w.URL = given(c.App, w.App), given(c.URL, w.URL)
	if c.Filter != nil {
		w.Filter = some(c.Filter)
	}
	w.Settings.MaxInFlight = given(c.Settings.MaxInFlight, w.Settings.MaxInFlight)
	w.Settings.Timeout = given(c.Settings.Timeout, w.Settings.Timeout)
	w.Settings.Headers = given(c.Settings.Headers, w.Settings.Headers)
}

// some is a filter, or nil for one that says nothing.
func some(f *filter.Filter) *filter.Filter {
	if f == nil || f.IsZero() {
		return nil
	}
	return f
}

// given is what was given, or what is there if nothing was.
func given[T any](value *T, there T) T { return *cmp.Or(value, &there) }

// UpdateWebHook changes a webhook.
var UpdateWebHook = define(Function{
	Name: "UpdateWebHook", Method: http.MethodPatch, Path: "/v1/webhooks/{id}",
	Doc: "Changes a webhook. What is left out stays. What waits in its backlog goes to the new URL, of which the failures of the one before say nothing. " +
		"What the webhook is for, its event and whether it is ordered, stays: make another webhook for that.",
	Effect: "This changes a real webhook.",
	codes: []Code{
		codeID, codeNotFound,
		{4, http.StatusBadRequest, "missing or invalid app", ErrApp, true},
		{5, http.StatusBadRequest, "invalid url: use an absolute http or https URL of at most 2048 bytes, without user and fragment", delivery.ErrURL, true},
		{6, http.StatusBadRequest, "url not allowed: its host leads to an address that is not public, or that is Saumer's own", delivery.ErrForbidden, false},
		{7, http.StatusBadRequest, "invalid settings", ErrSettings, true},
		{8, http.StatusPreconditionFailed, ErrTag.Error(), ErrTag, false},
		{9, http.StatusBadRequest, "invalid filter", filter.Err, true},
	},
}, func(in *updateWebHookInput) []Parameter {
	return []Parameter{
		webhookID(&in.id),
		tagHeader(&in.tag),
		change(Parameter{Name: "app", In: InBody, Doc: "Your own name for what the webhook belongs to."}, &in.app),
		change(Parameter{Name: "url", In: InBody, Doc: "Where events are sent, http or https."}, &in.url),
		object(Parameter{Name: "filter", In: InBody, Doc: "Which events are for the webhook, by their data, as CreateWebHook has it; {} for all. What waits is passed over if it is left out."}, &in.filter),
		object(Parameter{Name: "settings", In: InBody, Doc: "maxInFlight and timeout, 0 for the default; headers, which replaces all of them."}, &in.settings),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in updateWebHookInput) (Webhook, error) {
	settings, err := in.settings.change()
	if err != nil {
		return Webhook{}, err
	}
	return s.Change(ctx, acc, in.id, Change{Tag: in.tag, App: in.app, URL: in.url, Filter: in.filter, Settings: settings})
}, as(restWebhookOf))

type updateWebHookInput struct {
	id       uint64
	tag      string
	app, url *string
	filter   *filter.Filter
	settings settingsChange
}

// settingsChange is a change of settings in the REST shell.
type settingsChange struct {
	MaxInFlight *int               `json:"maxInFlight,omitempty"`
	Timeout     *string            `json:"timeout,omitempty"`
	Headers     *map[string]string `json:"headers,omitempty"`
}

// change reads it: ErrSettings.
func (s settingsChange) change() (SettingsChange, error) {
	out := SettingsChange{MaxInFlight: s.MaxInFlight, Headers: s.Headers}
	if s.Timeout != nil {
		timeout, err := parseTimeout(*s.Timeout)
		if err != nil {
			return out, err
		}
		out.Timeout = &timeout
	}
	return out, nil
}

// parseTimeout reads a timeout such as "5s"; 0 and nothing are the default: ErrSettings.
func parseTimeout(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	timeout, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf(`%w: timeout is such as "5s"`, ErrSettings)
	}
	return timeout, nil
}

// Pause deactivates a webhook because a person wants that: its events are kept for the replay window, and an activation replays
// them. It returns ErrID, record.ErrNotFound or replay.ErrInactive. If it takes a while, the webhook is returned as it still is,
// with Pausing set.
func (s *Service) Pause(ctx context.Context, acc registry.Account, id uint64) (Webhook, error) {
	if id == 0 {
		return Webhook{}, ErrID
	}
	w, err := s.o.Backlogs.Pause(ctx, registry.Key(acc.Name, id))
	if err != nil && !errors.Is(err, replay.ErrLater) {
		return Webhook{}, err
	}
	_ = s.noted(ctx, acc, "PauseWebHook", named(id), nil) // as above
	paused, err := s.describe(ctx, w)
	if err != nil {
		paused = Webhook{Webhook: w, Status: replay.Status{State: replay.Inactive}}
	}
	paused.Pausing = w.Active
	return paused, nil
}

// PauseWebHook deactivates a webhook by hand.
var PauseWebHook = define(Function{
	Name: "PauseWebHook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/pause",
	Doc:    "Pauses a webhook: its events are kept as long as those of any inactive one. ActivateWebHook ends the pause, and replays them if it is asked to.",
	Effect: "This stops the deliveries of a real webhook.",
	codes: []Code{
		codeID, codeNotFound,
		{4, http.StatusConflict, "the webhook is inactive already", replay.ErrInactive, false},
	},
}, oneWebhook, func(ctx context.Context, s *Service, acc registry.Account, in webhookInput) (Webhook, error) {
	return s.Pause(ctx, acc, in.id)
}, as(restWebhookOf))
