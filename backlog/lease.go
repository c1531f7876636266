package backlog

import "time"

// LeaseTime is how long a runner has a backlog to itself without renewing the lease.
const LeaseTime = 10 * time.Second

// Lease is whose turn it is to work a backlog off. The zero value is free.
type Lease struct {
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Held says whether somebody holds the lease at a time.
func (l Lease) Held(now time.Time) bool { return l.Owner != "" && now.Before(l.Until) }

// Acquire takes the lease, or says false if another has it.
func (l *Lease) Acquire(owner string, now time.Time) bool {
	if l.Held(now) && l.Owner != owner {
		return false
	}
	*l = Lease{owner, now.Add(LeaseTime)}
	return true
}

// Renew has an own lease begin anew, or says false if it is not the owner's any more. One that has ended is still the
// owner's while nobody else has taken it.
func (l *Lease) Renew(owner string, now time.Time) bool {
	if l.Owner != owner {
		return false
	}
	l.Until = now.Add(LeaseTime)
	return true
}

// Release gives an own lease back, or says false if it is not the owner's any more.
func (l *Lease) Release(owner string) bool {
	if l.Owner != owner {
		return false
	}
	*l = Lease{}
	return true
}
