package delivery

import (
	"strings"
	"sync"
	"time"
)

// Outages tells our own network's failure from the endpoints': our own is down if hosts that answered lately stop at once,
// most of those, and none answers meanwhile. It is safe for concurrent use.
type Outages struct {
	// lately is how soon before its first failure a host must have answered to tell anything, longest how long an outage of
	// our own lasts at most: what is longer is a state of the endpoints.
	lately, longest time.Duration

	mu sync.Mutex
	// hosts are those that have answered. One that never has says nothing.
	hosts map[string]reach
	// answered is when the last answer came, of any host.
	answered time.Time
	// judged is when it was last looked whether there is an outage; begun is since when there is, zero if there is none.
	judged, begun time.Time
	// assumed is since when another process, or this one before its start, saw an outage; zero if none did. It counts until a host
	// answers.
	assumed time.Time
}

// reach is how a host can be reached: when it last answered, and when it began to fail after that, zero if it does not.
type reach struct{ answered, failed time.Time }

const (
	// outageHosts is how many hosts must have answered lately before anything is said of most of them.
	outageHosts = 5
	// hostsKept bounds what is remembered.
	hostsKept = 10_000
	// fresh is how long a host that was reached is not noted again, and an outage not looked for again: the live path pays
	// for a look, not for a write.
	fresh = time.Second
	// atOnce is how much earlier than the last answer a host may have begun to fail: an answer may have been on its way.
	atOnce = 5 * time.Second
	// silence is for how long no host answers before the fault is taken for our own.
	silence = 10 * time.Second
)

// NewOutages makes an Outages; see its fields lately and longest.
func NewOutages(lately, longest time.Duration) *Outages {
	return &Outages{lately: lately, longest: longest, hosts: map[string]reach{}}
}

// note takes in what came of an attempt.
func (o *Outages) note(t Target, a Attempt) {
	if a.Outcome == Aborted || a.Outcome == Forbidden {
		return
	}
	at, now := host(t.URL), time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	last, known := o.hosts[at]
	switch {
	case a.Status == 0: // whoever answers, with whatever status, was reached
		if known && last.failed.IsZero() {
			last.failed = now
			o.hosts[at] = last
		}
		return
	case known && last.failed.IsZero() && now.Sub(last.answered) < fresh:
		return
	case !known && len(o.hosts) >= hostsKept:
		for host := range o.hosts {
			delete(o.hosts, host) // any: what counts is a large sample
			break
		}
	}
	o.hosts[at] = reach{answered: now}
	o.answered, o.begun, o.assumed = now, time.Time{}, time.Time{}
}

// assume takes in that another process, or this one before its start, saw an outage that began at a time, and sees it still. It
// counts for a process that no host has answered yet: what it could judge by stopped before it began.
func (o *Outages) assume(since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answered.IsZero() {
		o.assumed = since
	}
}

// host is the host of a URL, with its port if it has one. It takes a URL that was checked apart, at no cost.
func host(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// since is when an outage of our own began; false if there is none.
func (o *Outages) since() (begun time.Time, outage bool) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Sub(o.judged) >= fresh {
		o.judged, o.begun = now, o.stoppedLocked()
	}
	if !o.assumed.IsZero() {
		return o.assumed, now.Sub(o.assumed) < o.longest
	}
	lasts := now.Sub(o.begun)
	return o.begun, !o.begun.IsZero() && lasts >= silence && lasts < o.longest
}

// stoppedLocked is when hosts began to fail, if most of those that answered lately have, and none has answered since; else
// zero. Those that failed before say nothing. mu is held.
func (o *Outages) stoppedLocked() (begun time.Time) {
	working, stopped := 0, 0
	for host, h := range o.hosts {
		switch {
		case o.answered.Sub(h.answered) > o.lately:
			delete(o.hosts, host)
		case h.failed.IsZero():
			working++
		case o.answered.Sub(h.failed) <= atOnce && h.failed.Sub(h.answered) <= o.lately:
			stopped++
			if begun.IsZero() || h.failed.Before(begun) {
				begun = h.failed
			}
		}
	}
	if stopped <= working || stopped+working < outageHosts {
		return time.Time{}
	}
	return begun
}
