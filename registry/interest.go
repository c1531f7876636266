package registry

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/filter"
)

// Several stands for the event of a webhook that is for several, in its record and in the index; no event has that name. As the
// last part of a subject it stands for every event.
const Several = "*"

// Bounds of the events of one webhook.
const (
	maxEvents  = 20
	maxPattern = 64 // bytes
)

// ErrEvents is returned for events that a webhook cannot be for.
var ErrEvents = errors.New("invalid events")

// CheckEvents says whether a webhook can be for these events: names, or patterns in which * stands for any part of a name. It
// returns those that are names.
func CheckEvents(events []string) (names []string, err error) {
	if len(events) > maxEvents {
		return nil, fmt.Errorf("%w: use at most %d names or patterns", ErrEvents, maxEvents)
	}
	for _, e := range events {
		// A star takes the place of a letter, at least.
		if len(e) > maxPattern || event.ValidName(strings.ReplaceAll(e, "*", "a")) != nil {
			return nil, fmt.Errorf("%w: %.70q is neither a name nor a pattern such as optin_* or *", ErrEvents, e)
		}
		if !strings.Contains(e, "*") {
			names = append(names, e)
		}
	}
	return names, nil
}

// SetEvents has a webhook be for events: names and patterns.
func (w *Webhook) SetEvents(events []string) {
	if len(events) == 1 && !strings.Contains(events[0], "*") {
		w.Event, w.Events = events[0], nil
		return
	}
	w.Event, w.Events = Several, events
}

// Takes says whether the webhook is for events of a name. No webhook is for what has none and is no event.
func (w *Webhook) Takes(name string) bool {
	if name == "" {
		return false
	}
	if w.Event != Several {
		return w.Event == name
	}
	for _, pattern := range w.Events {
		if matches, _ := path.Match(pattern, name); matches { // it was checked
			return true
		}
	}
	return false
}

// EventText is what the webhook is for, as people read it.
func (w *Webhook) EventText() string {
	if w.Event != Several {
		return w.Event
	}
	return strings.Join(w.Events, ", ")
}

// names are the events that the webhook is for, if it has no pattern.
func (w *Webhook) names() ([]string, bool) {
	if w.Event != Several {
		return []string{w.Event}, true
	}
	names, _ := CheckEvents(w.Events)
	return names, len(names) == len(w.Events)
}

// Subjects are those of the events that the webhook may be for: of more than these, if it has a pattern.
func (w *Webhook) Subjects() []string {
	names, all := w.names()
	if !all {
		return []string{event.Subject(w.Account, Several)}
	}
	subjects := make([]string, len(names))
	for i, name := range names {
		subjects[i] = event.Subject(w.Account, name)
	}
	return subjects
}

// Interest says which events are for a webhook, by their names and their data. That of nobody leaves out nothing.
type Interest struct {
	webhook *Webhook
	program *filter.Program
}

// Interest is the webhook's.
func (w Webhook) Interest() (Interest, error) {
	program, err := filter.Compile(w.Filter)
	return Interest{&w, program}, err
}

// LeavesOut says whether an event is not for the webhook.
func (i Interest) LeavesOut(e *event.Event) bool {
	return i.webhook != nil && !i.webhook.Takes(e.Name) || i.program.LeftOut(e.Data)
}

// Why says by which condition of its filter the webhook leaves out an event; empty if by none.
func (i Interest) Why(e *event.Event) string { return i.program.Why(e.Data) }
