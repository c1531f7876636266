package replay

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// probes are the intervals at which an inactive webhook's host is tried.
var probes = delivery.Backoff{Initial: time.Minute, Max: time.Hour}

// probeTime bounds one try; it is well within a lease.
const probeTime = 5 * time.Second

// Probe is how an inactive webhook's host is tried, until it accepts a connection or the replay window is over.
type Probe struct {
	// Next is when, zero for never again; Failed counts the tries, none of which came through.
	Next   time.Time `json:"next,omitzero"`
	Failed int       `json:"failed,omitempty"`
}

// probed takes in a try. That a host is reachable again is only said of one that was not.
func (b *Backlog) probed(reached bool, now, end time.Time) {
	if reached && b.Probe.Failed > 0 {
		b.News = append(b.News, registry.News{Kind: registry.NewsReachable, At: now, Since: b.Health.Since})
	}
	if reached {
		b.Probe = Probe{}
		return
	}
	b.Probe.Failed++
	b.Probe.Next = now.Add(probes.Delay(b.Probe.Failed, rand.Float64()))
	if b.Probe.Next.After(end) {
		b.Probe = Probe{}
	}
}

// probe tries the host of an inactive webhook, if it is time.
func (r *runner) probe(ctx context.Context) error {
	if at := r.record.Probe.Next; at.IsZero() || r.Broker.Now().Before(at) {
		return nil
	}
	trying, cancel := context.WithTimeout(r.attempts, probeTime)
	tried := r.Prober.Probe(trying, r.target)
	cancel()
	if r.attempts.Err() != nil {
		return nil // cut by our own stop: it says nothing
	}
	return r.update(ctx, func(b *Backlog) error {
		if !b.Parked {
			return nil // somebody has activated it meanwhile
		}
		b.probed(tried.Outcome == delivery.Delivered, r.Broker.Now(), r.webhook.Deactivated.Add(r.Window))
		return nil
	})
}
