package console

import (
	"fmt"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/replay"
)

// view is a webhook as pages show it.
type view struct {
	api.Webhook
	// Label is its state in a word or two, Sentence what that means, and Step what to do about it; Step is empty if
	// nothing is to be done.
	Label, Sentence, Step string
}

func viewOf(w api.Webhook) view {
	v := view{Webhook: w}
	s := w.Status
	switch {
	case s.State == replay.Unreadable:
		v.Label = "Unreadable"
		v.Sentence = "The record of what waits for it cannot be read, so that nothing is sent to it. Its events stay in the stream for the retention."
		v.Step = "Ask whoever runs Saumer: the log says what is wrong with the record."
	case s.Paused:
		v.Label = "Paused"
		v.Sentence = "Somebody paused it, and nothing is sent until somebody activates it. Its events are kept for a replay."
	case s.State == replay.Inactive:
		v.Label = "Inactive"
		v.Sentence = "It was deactivated, and nothing is sent until somebody activates it. Its events are kept for a replay."
		v.Step = "Make the URL answer again, then activate the webhook with a replay."
	case s.State == replay.Lagging && !s.FailingSince.IsZero():
		v.Label = "Failing"
		v.Sentence = "The URL does not take events. The events wait, and they are sent again with growing pauses. No event is lost."
		v.Step = "Read the errors of the last attempts, and make the URL answer 2xx."
	case s.State == replay.Lagging:
		v.Label = "Catching up"
		v.Sentence = "The URL takes events again. The events that waited are being sent, oldest first."
	case s.Retries > 0:
		v.Label = "Live, with retries"
		v.Sentence = "Events are sent as they are published. The events that the URL rejected are sent again later, each by itself."
		v.Step = "Read in the attempt log why events were rejected."
	case !s.FailingSince.IsZero():
		v.Label = "Live, last failed"
		v.Sentence = "Events are sent as they are published, and the last attempt failed."
	default:
		v.Label = "Live"
		v.Sentence = "Events are sent as they are published."
	}
	return v
}

// Why is the reason of a trouble in a sentence; empty if there is none.
func (v view) Why() string {
	if v.Reason != "" {
		return sentence(v.Reason)
	}
	return sentence(v.Status.LastError)
}

// Since is when the trouble began; zero if there is none.
func (v view) Since() time.Time {
	if !v.Deactivated.IsZero() {
		return v.Deactivated
	}
	return v.Status.FailingSince
}

// Class is the state as the style knows it.
func (v view) Class() string {
	if v.Status.State == replay.Live && (v.Status.Retries > 0 || !v.Status.FailingSince.IsZero()) {
		return replay.Lagging
	}
	return v.Status.State
}

// Path is the page of the webhook.
func (v view) Path() string { return fmt.Sprintf("%swebhooks/%d", root, v.ID) }
