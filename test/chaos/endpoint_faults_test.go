package chaos

import (
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// endpointTroubles are what a receiver can do to its sender. The other webhooks go on meanwhile, and have to get theirs.
func endpointTroubles() []trouble {
	var all []trouble
	for i, m := range []mode{refuses, hangs, resets, late, some500, all400, floods, trickles} {
		twice := handOver
		if m == late {
			twice = lateOnes
		}
		all = append(all, trouble{"endpoint: " + string(m), twice, func(w *world) {
			w.as(w.hooks[i%(hooks-2)], m, hold)
		}})
	}
	return append(all,
		trouble{"endpoint: " + string(badTLS), handOver, func(w *world) { w.as(w.hooks[hooks-1], badTLS, hold) }},
		trouble{"endpoint: flaps each second", handOver, func(w *world) {
			for range 5 {
				w.as(w.hooks[8], refuses, time.Second)
				w.pass(time.Second)
			}
		}},
		trouble{"endpoint: its name fails and comes back", handOver, func(w *world) {
			for _, code := range []dnsmessage.RCode{dnsmessage.RCodeServerFailure, dnsmessage.RCodeNameError} {
				w.names.code.Store(uint32(code))
				_ = w.hooks[hooks-2].set(refuses) // so that a new connection is needed, and a name to make it
				_ = w.hooks[hooks-2].set(healthy)
				w.pass(hold / 2)
			}
			w.names.mute.Store(true)
			w.pass(hold / 2)
			w.names.mute.Store(false)
			w.names.code.Store(0)
		}},
	)
}

// allEndpoints is all that endpoints do, at once, each by another one.
func allEndpoints() trouble {
	return trouble{"endpoints: each fault at once, by different ones", lateOnes, func(w *world) {
		for i, m := range []mode{refuses, hangs, resets, late, some500, all400, floods, trickles} {
			w.must(w.hooks[i].set(m))
		}
		w.must(w.hooks[hooks-1].set(badTLS))
		w.names.code.Store(uint32(dnsmessage.RCodeServerFailure))
		w.must(w.hooks[hooks-2].set(refuses))
		w.must(w.hooks[hooks-2].set(healthy))
		for range 4 {
			w.as(w.hooks[8], refuses, time.Second)
			w.pass(time.Second)
		}
		w.names.code.Store(0)
		for _, h := range w.hooks {
			w.must(h.set(healthy))
		}
	}}
}

// as has an endpoint do something for a while.
func (w *world) as(h *hook, m mode, d time.Duration) {
	w.t.Helper()
	w.must(h.set(m))
	w.pass(d)
	w.must(h.set(healthy))
}

// stir keeps the backlogs busy until something happens: half of the endpoints come and go, some long enough to be
// deactivated, and what cannot be delivered is published.
func (w *world) stir(until <-chan struct{}, limit time.Duration) bool {
	w.t.Helper()
	deadline := time.After(limit)
	defer func() {
		for _, h := range w.hooks[:hooks/2] {
			w.must(h.set(healthy))
		}
	}()
	for round := 0; ; round++ {
		for i, h := range w.hooks[:hooks/2] {
			switch {
			case i%3 == 0 && round%8 < 6: // longer than --deactivate-after
				w.must(h.set(refuses))
			case i == 1:
				w.must(h.set(some500))
			case i > 1 && w.rng.IntN(2) == 0:
				w.must(h.set(refuses))
			default:
				w.must(h.set(healthy))
			}
		}
		w.pub.nonsense()
		if round%8 == 7 {
			w.activateAll()
		}
		select {
		case <-until:
			return true
		case <-deadline:
			return false
		case <-time.After(time.Second):
		}
	}
}
