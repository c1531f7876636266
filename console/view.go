package console

import (
	"fmt"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/words"
)

// view is a webhook as pages show it.
type view struct {
	api.Webhook
	// Condition is its state as a word for programs, Label in a word or two, Sentence what that means, and Step what to do about
	// it; Step is empty if nothing is to be done. Why is the reason of a trouble in a sentence; empty if there is none.
	Condition, Label, Sentence, Step, Why string

	// at is when it was so.
	at time.Time
}

// Event is what the webhook is for.
func (v view) Event() string { return v.EventText() }

func viewOf(t *words.Speaker, w api.Webhook) view {
	v := view{Webhook: w, Why: t.Sentence(w.Status.LastError), at: time.Now()}
	if w.Reason != "" {
		v.Why = t.Sentence(w.Reason)
	}
	s := w.Status
	switch {
	case s.State == replay.Unreadable:
		v.Condition, v.Label = "unreadable", t.Say("Unreadable")
		v.Sentence = t.Say("The record of what waits for it cannot be read, so that nothing is sent to it. Its events stay in the stream for the retention.")
		v.Step = t.Say("Ask whoever runs Saumer: the log says what is wrong with the record.")
	case s.Paused:
		v.Condition, v.Label = "paused", t.Say("Paused")
		v.Sentence = t.Say("Somebody paused it, and nothing is sent until somebody activates it. Its events are kept for a replay.")
	case s.State == replay.Inactive:
		v.Condition, v.Label = "inactive", t.Say("Inactive")
		v.Sentence = t.Say("It was deactivated, and nothing is sent until somebody activates it. Its events are kept for a replay.")
		v.Step = t.Say("Make the URL answer again, then activate the webhook with a replay.")
	case s.State == replay.Lagging && !s.FailingSince.IsZero():
		v.Condition, v.Label = "failing", t.Say("Failing")
		v.Sentence = t.Say("The URL does not take events. The events wait, and they are sent again with growing pauses. No event is lost.")
		v.Step = t.Say("Read the errors of the last attempts, and make the URL answer 2xx.")
	case s.State == replay.Lagging:
		v.Condition, v.Label = "catching-up", t.Say("Catching up")
		v.Sentence = t.Say("The URL takes events again. The events that waited are being sent, oldest first.")
	case s.Retries > 0:
		v.Condition, v.Label = "retries", t.Say("Live, with retries")
		v.Sentence = t.Say("Events are sent as they are published. The events that the URL rejected are sent again later, each by itself.")
		v.Step = t.Say("Read in the attempt log why events were rejected.")
	case !s.FailingSince.IsZero():
		v.Condition, v.Label = "last-failed", t.Say("Live, last failed")
		v.Sentence = t.Say("Events are sent as they are published, and the last attempt failed.")
	default:
		v.Condition, v.Label = "live", t.Say("Live")
		v.Sentence = t.Say("Events are sent as they are published.")
	}
	return v
}

// Due is when the replay that is under way will be done if it goes on as it did; zero if none is, or if it has not begun.
func (v view) Due() time.Time {
	r := v.Status.Replay
	if r == nil || r.Done == 0 || r.Done >= r.Total || !v.Active {
		return time.Time{}
	}
	took := v.at.Sub(r.At)
	return v.at.Add(time.Duration(float64(took) / float64(r.Done) * float64(r.Total-r.Done)))
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
