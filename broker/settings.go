package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Settings are those in which all processes have to agree: what one of them rejects or drops, another may have promised. They
// are kept in the bucket of positions.
type Settings struct {
	// Events are the names of the events that webhooks can be made for: those of all processes.
	Events []string `json:"events"`
	Patience
}

// Patience is how long and how often is waited before something is given up. Of each, the most of all processes holds: a process
// with less would drop what another one keeps, or deactivate a webhook that another one has still hopes for.
type Patience struct {
	// ReplayWindow is how much of what comes after a deactivation is sent on a replay.
	ReplayWindow time.Duration `json:"replay_window"`
	// DeactivateAfter and DeactivateAttempts are how long and how often a webhook fails before it is deactivated, and a rejected
	// event before it is exhausted. Versions before did not write them: 0.
	DeactivateAfter    time.Duration `json:"deactivate_after,omitempty"`
	DeactivateAttempts int           `json:"deactivate_attempts,omitempty"`
}

// with is the patience that serves two processes.
func (p Patience) with(other Patience) Patience {
	return Patience{
		max(p.ReplayWindow, other.ReplayWindow), max(p.DeactivateAfter, other.DeactivateAfter), max(p.DeactivateAttempts, other.DeactivateAttempts),
	}
}

// differences are the settings of a process that are not those of all.
func (s Settings) differences(agreed Settings) (all []difference) {
	for _, d := range []difference{
		{"--events", strings.Join(s.Events, ","), strings.Join(agreed.Events, ",")},
		{"--replay-window", s.ReplayWindow.String(), agreed.ReplayWindow.String()},
		{"--deactivate-after", s.DeactivateAfter.String(), agreed.DeactivateAfter.String()},
		{"--deactivate-attempts", strconv.Itoa(s.DeactivateAttempts), strconv.Itoa(agreed.DeactivateAttempts)},
	} {
		if d.here != d.kept {
			all = append(all, d)
		}
	}
	return all
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
	return Settings{slices.Compact(events), s.Patience.with(other.Patience)}
}

func (s Settings) equal(other Settings) bool {
	return s.Patience == other.Patience && slices.Equal(s.Events, other.Events)
}

// Agree brings the settings of this process together with those of the others, and returns what holds for all: who differs takes
// what is safe, and says so. A process that has the server to itself decides.
func (b *Broker) Agree(ctx context.Context, own Settings) (Settings, error) {
	own = own.with(Settings{})
	agreed, err := b.changeSettings(ctx, own)
	if err != nil {
		return own, fmt.Errorf("agree with the other processes on settings: %w", err)
	}
	for _, d := range own.differences(agreed) {
		b.differs("a setting of this process is not that of another, which was kept; to have it decided anew, stop all processes and remove the key "+
			settingsKey+" of the bucket POSITIONS", "", d)
	}
	b.own, b.taken = own, agreed
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
	agreed, err := b.changeSettings(ctx, b.own)
	if err != nil {
		return fmt.Errorf("look after the settings of all processes: %w", err)
	}
	for _, d := range (Settings{agreed.Events, b.taken.Patience}).differences(agreed) {
		b.differs("another process has more patience than this one, which takes it when it is started again", "", d)
	}
	return nil
}

// differs says once of a setting that it is not what holds, and has Differences tell. Stream is empty unless it is one of a stream.
func (b *Broker) differs(message, stream string, d difference) {
	text := strings.TrimPrefix(fmt.Sprintf("%s %s: %s here, %s is kept", stream, d.what, d.here, d.kept), " ")
	b.different.Lock()
	said := slices.Contains(b.different.texts, text)
	if !said {
		b.different.texts = append(b.different.texts, text)
	}
	b.different.Unlock()
	if said {
		return
	}
	fields := []zap.Field{zap.String("setting", d.what), zap.String("here", d.here), zap.String("kept", d.kept)}
	if stream != "" {
		fields = append(fields, zap.String("stream", stream))
	}
	b.options.Log.Warn(message, fields...)
}

// Differences are the settings of this process that are not what holds for all, each in a few words.
func (b *Broker) Differences() []string {
	b.different.Lock()
	defer b.different.Unlock()
	return slices.Clone(b.different.texts)
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
