package replay

import "github.com/saumer/saumer/registry"

// Deactivate says what happens to a webhook whose endpoint has failed for long enough.
type Deactivate string

// The modes: On deactivates, Observe says in the log what it would have done, Off does nothing.
const (
	On      Deactivate = "on"
	Observe Deactivate = "observe"
	Off     Deactivate = "off"
)

// verdict is what is to be done about a webhook after an attempt that failed.
type verdict int

const (
	carryOn    verdict = iota
	deactivate         // as the policy says
	observe            // would be deactivated, were the mode on
	blameUs            // would be deactivated, but most endpoints fail at once: the fault is taken for our own
)

// judge decides. Gone is true after an HTTP 410, which ends a webhook at once; spent if the policy's time is over.
func judge(mode Deactivate, gone, spent, outage bool) verdict {
	switch {
	case !gone && !spent, mode == Off:
		return carryOn
	case mode == Observe:
		return observe
	case !gone && outage:
		return blameUs
	default:
		return deactivate
	}
}

// reason is what the webhook's record and the notice say.
func reason(gone bool, h registry.Health) string {
	if gone {
		return "the endpoint answered 410 Gone"
	}
	return h.Last
}
