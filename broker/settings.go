package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Settings are those in which all processes have to agree: what one of them rejects or drops, another may have promised. They
// are kept in the bucket of positions.
type Settings struct {
	// Events are the names of the events that webhooks can be made for: those of all processes.
	Events []string `json:"events"`
	// ReplayWindow is how much of what comes after a deactivation is sent on a replay: the longest of all processes.
	ReplayWindow time.Duration `json:"replay_window"`
}

const (
	// settingsKey is where the settings are kept, settingsForm is the form that this version writes, and settingsTries bounds the
	// rounds of a compare-and-set.
	settingsKey, settingsForm, settingsTries = "settings", 1, 20
)

// storedSettings are the settings as they are kept.
type storedSettings struct {
	Form int `json:"v"`
	Settings
}

// errSettings is returned for settings of a newer form.
var errSettings = errors.New("the settings that all processes share were written by a newer version")

// with are the settings that serve two processes.
func (s Settings) with(other Settings) Settings {
	events := slices.Concat(s.Events, other.Events)
	slices.Sort(events)
	return Settings{slices.Compact(events), max(s.ReplayWindow, other.ReplayWindow)}
}

func (s Settings) equal(other Settings) bool {
	return s.ReplayWindow == other.ReplayWindow && slices.Equal(s.Events, other.Events)
}

// Agree brings the settings of this process together with those of the others, and returns what holds for all: who differs takes
// what is safe, and says so. A process that has the server to itself decides.
func (b *Broker) Agree(ctx context.Context, own Settings) (Settings, error) {
	own = own.with(Settings{})
	agreed, err := b.changeSettings(ctx, own)
	if err != nil {
		return own, fmt.Errorf("agree with the other processes on settings: %w", err)
	}
	const hint = "; to have it decided anew, stop all processes and remove the key " + settingsKey + " of the bucket POSITIONS"
	if !slices.Equal(agreed.Events, own.Events) {
		b.options.Log.Warn("other processes know more events than --events of this one, which takes theirs too"+hint,
			zap.String("setting", "events"), zap.String("here", strings.Join(own.Events, ",")), zap.String("kept", strings.Join(agreed.Events, ",")))
	}
	if agreed.ReplayWindow != own.ReplayWindow {
		b.options.Log.Warn("another process has a longer --replay-window than this one, which was kept"+hint,
			zap.String("setting", "replay window"), zap.String("here", own.ReplayWindow.String()), zap.String("kept", agreed.ReplayWindow.String()))
	}
	b.own = own
	return agreed, nil
}

// changeSettings writes what serves the others and this process, and returns it.
func (b *Broker) changeSettings(ctx context.Context, own Settings) (Settings, error) {
	for range settingsTries {
		kept, revision, err := b.loadSettings(ctx)
		if err != nil && !errors.Is(err, errSettings) {
			return own, err
		}
		agreed := own.with(kept)
		if err != nil { // whoever wrote them knows more; they are heeded, and left as they are
			b.agreed.Store(&agreed)
			return agreed, nil
		}
		if b.embedded != nil {
			agreed = own
		}
		if !agreed.equal(kept) {
			value, err := json.Marshal(storedSettings{settingsForm, agreed})
			if err != nil {
				return own, err
			}
			_, err = b.positions.Put(ctx, settingsKey, value, revision)
			if errors.Is(err, ErrChanged) {
				continue
			}
			if err != nil {
				return own, err
			}
		}
		b.agreed.Store(&agreed)
		return agreed, nil
	}
	return own, ErrChanged
}

// loadSettings reads the settings with their revision. Those that cannot be read are as good as none; of a newer form it returns
// what this version knows, and errSettings.
func (b *Broker) loadSettings(ctx context.Context) (Settings, uint64, error) {
	entry, err := b.positions.Get(ctx, settingsKey)
	if errors.Is(err, ErrNoKey) {
		return Settings{}, 0, nil
	}
	if err != nil {
		return Settings{}, 0, err
	}
	var kept storedSettings
	if err := json.Unmarshal(entry.Value, &kept); err != nil {
		b.options.Log.Warn("the settings that all processes share cannot be read, and are written anew", zap.Error(err))
		return Settings{}, entry.Revision, nil
	}
	if kept.Form > settingsForm {
		return kept.Settings, 0, errSettings
	}
	return kept.Settings, entry.Revision, nil
}

// keepSettings looks what other processes have added, and writes the settings again if they are gone.
func (b *Broker) keepSettings(ctx context.Context) error {
	if b.agreed.Load() == nil {
		return nil // nothing was agreed on
	}
	if _, err := b.changeSettings(ctx, b.own); err != nil {
		return fmt.Errorf("look after the settings of all processes: %w", err)
	}
	return nil
}

// KnownEvents are the names of the events that webhooks can be made for, by what all processes agreed on at the last look.
func (b *Broker) KnownEvents() []string {
	if agreed := b.agreed.Load(); agreed != nil {
		return slices.Clone(agreed.Events)
	}
	return nil
}

// KnowsEvent says whether webhooks can be made for an event in any process. Of a name that this one does not know it asks NATS.
func (b *Broker) KnowsEvent(ctx context.Context, name string) (bool, error) {
	if agreed := b.agreed.Load(); agreed != nil && slices.Contains(agreed.Events, name) {
		return true, nil
	}
	if b.embedded != nil {
		return false, nil // nobody else decides
	}
	kept, _, err := b.loadSettings(ctx)
	if err != nil && !errors.Is(err, errSettings) {
		return false, fmt.Errorf("ask whether another process knows the event %s: %w", name, err)
	}
	return slices.Contains(kept.Events, name), nil
}
