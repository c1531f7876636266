package delivery

import (
	"net/url"
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

// Note takes in what came of an attempt.
func (o *Outages) Note(t Target, a Attempt) {
	if a.Outcome == Aborted || a.Outcome == Forbidden {
		return
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return
	}
	// Whoever answers, with whatever status, was reached.
	now := try{at: time.Now(), reached: a.Status != 0}
	o.mu.Lock()
	defer o.mu.Unlock()
	last, known := o.hosts[u.Host]
	if known && now.reached && last.reached && now.at.Sub(last.at) < fresh {
		return
	}
	if !known && len(o.hosts) >= hostsKept {
		for host := range o.hosts {
			delete(o.hosts, host) // any: what counts is a large sample
			break
		}
	}
	o.hosts[u.Host] = now
}

// Most says whether most hosts that were tried lately could not be reached. With fewer than five it says no.
func (o *Outages) Most() bool {
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
