package backlog

import (
	"time"

	"github.com/saumer/saumer/delivery"
)

// probes are the intervals at which an inactive webhook's host is tried.
var probes = delivery.Backoff{Initial: time.Minute, Max: time.Hour}

// Probe is how an inactive webhook's host is tried, until it accepts a connection or the replay window is over.
type Probe struct {
	// Next is when, zero for never again; Failed counts the tries, none of which came through.
	Next   time.Time `json:"next,omitzero"`
	Failed int       `json:"failed,omitempty"`
}

// Probed takes in a try of the host. Draw, in [0, 1), decides how far the next delay is off the exponential one. That a host
// is reachable again is only told of one that was not. A record that is not Parked is left as it is.
func (r *Record) Probed(reached bool, now time.Time, rules *Rules, draw float64) {
	if r.State != Parked {
		return
	}
	if reached && r.Probe.Failed > 0 {
		r.Outbox = append(r.Outbox, Notice{Kind: Reachable, At: now, Since: r.Health.Since})
	}
	if reached {
		r.Probe = Probe{}
		return
	}
	r.Probe.Failed++
	r.Probe.Next = now.Add(probes.Delay(r.Probe.Failed, draw))
	if r.Probe.Next.After(r.Follows.Add(rules.Window)) {
		r.Probe = Probe{}
	}
}
