package backlog

import "time"

// Moved follows a change of the webhook's URL: what the endpoint before did says nothing about the new one. What waits is
// due at once, by the new URL. A webhook that is inactive stays so until somebody activates it; its host is tried anew.
func (r *Record) Moved(now time.Time) {
	r.Streak = 0
	if r.State == Parked {
		r.Probe = Probe{Next: now}
		return
	}
	r.Judge, r.Health, r.NotBefore, r.Unmet, r.Alarm = "", Health{}, time.Time{}, time.Time{}, time.Time{}
	for i := range r.Retries {
		r.Retries[i].Next, r.Retries[i].Since = now, now
	}
}
