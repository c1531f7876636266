package delivery

import (
	"strings"
	"sync"
	"time"
)

// Outages tells our own network's failure from the endpoints': it remembers of each host that was tried lately
// whether it could be reached. It is safe for concurrent use.
type Outages struct {
	// lookback is how long a try counts.
	lookback time.Duration

	mu    sync.Mutex
	hosts map[string]try
}

type try struct {
	at      time.Time
	reached bool
}

const (
	// outageHosts is how many hosts must have been tried before anything is said of most of them.
	outageHosts = 5
	// hostsKept bounds what is remembered.
	hostsKept = 10_000
	// fresh is how long a host that was reached is not noted again: the live path pays for a look, not for a write.
	fresh = time.Second
)

// NewOutages makes an Outages that remembers for so long.
func NewOutages(lookback time.Duration) *Outages {
	return &Outages{lookback: lookback, hosts: map[string]try{}}
}

// note takes in what came of an attempt.
func (o *Outages) note(t Target, a Attempt) {
	if a.Outcome == Aborted || a.Outcome == Forbidden {
		return
	}
	at := host(t.URL)
	// Whoever answers, with whatever status, was reached.
	now := try{at: time.Now(), reached: a.Status != 0}
	o.mu.Lock()
	defer o.mu.Unlock()
	last, known := o.hosts[at]
	if known && now.reached && last.reached && now.at.Sub(last.at) < fresh {
		return
	}
	if !known && len(o.hosts) >= hostsKept {
		for host := range o.hosts {
			delete(o.hosts, host) // any: what counts is a large sample
			break
		}
	}
	o.hosts[at] = now
}

// host is the host of a URL, with its port if it has one. It takes a URL that was checked apart, at no cost.
func host(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// most says whether most hosts that were tried lately could not be reached. With fewer than five it says no.
func (o *Outages) most() bool {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	unreached := 0
	for host, t := range o.hosts {
		if now.Sub(t.at) > o.lookback {
			delete(o.hosts, host)
		} else if !t.reached {
			unreached++
		}
	}
	return len(o.hosts) >= outageHosts && 2*unreached > len(o.hosts)
}
