package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache keeps the webhooks of the pairs that were looked up last. What the watch brings is taken in, so that a change of
// one webhook costs the same however many its pair has. It is safe for concurrent use.
//
// The watch brings all changes of an account in the journal's order. So the webhooks of a pair that are as of a revision of
// the pair, together with each later change of the pair, are those of the last of these.
type cache struct {
	mu    sync.Mutex
	pairs *simplelru.LRU[Pair, *cached]
	// events are the names of each account's events among the pairs.
	events map[string]map[string]bool
	// reads are the pairs that are being read, each with the changes that came meanwhile.
	reads map[Pair]*read
}

// cached are the webhooks of a pair.
type cached struct {
	names   names
	version version
	// seen is a revision of the account up to which they are known to be all.
	seen uint64
	// ids are the webhooks' ids, ascending, and subscriptions the webhooks, each in the place of its id. Lent is true once
	// somebody was given them: then they are copied before the next change.
	ids           []uint64
	subscriptions []*Subscription
	lent          bool
}

// version is that of a pair: the revision of its last change, and the number of its webhooks.
type version struct{ revision, count uint64 }

// parseVersion takes apart what Redis has for a version.
func parseVersion(text string) (v version, err error) {
	revision, count, _ := strings.Cut(text, ":")
	if v.revision, err = strconv.ParseUint(revision, 10, 64); err == nil {
		v.count, err = strconv.ParseUint(count, 10, 64)
	}
	if err != nil {
		return version{}, fmt.Errorf("read the version %q of an event's webhooks: %w", text, err)
	}
	return v, nil
}

// change is one of a webhook; subscription is nil if the pair does not have it any more.
type change struct {
	id, revision uint64
	subscription *Subscription
}

// read is a pair that is being read by some, with the changes that came since the first of these began.
type read struct {
	readers int
	changes []change
}

func newCache(size int) (*cache, error) {
	c := &cache{events: map[string]map[string]bool{}, reads: map[Pair]*read{}}
	var err error
	if c.pairs, err = simplelru.NewLRU(size, c.evicted); err != nil {
		return nil, fmt.Errorf("make the index's cache: %w", err)
	}
	return c, nil
}

// evicted takes down that a pair is not among the pairs any more.
func (c *cache) evicted(p Pair, _ *cached) {
	if delete(c.events[p.Account], p.Event); len(c.events[p.Account]) == 0 {
		delete(c.events, p.Account)
	}
}

// purge forgets all. What is being read is not kept.
func (c *cache) purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pairs.Purge()
	clear(c.reads)
}

// get returns the webhooks of a pair if they are all as of a revision of the account.
func (c *cache) get(p Pair, n names, seen uint64) ([]*Subscription, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	have, ok := c.pairs.Get(p)
	if !ok || have.names != n || have.seen < seen {
		return nil, false
	}
	have.lent = true
	return have.subscriptions, true
}

// as returns the webhooks of a pair if they are of a version, which the pair has as of a revision of the account, or of a
// later one.
func (c *cache) as(p Pair, n names, v version, seen uint64) ([]*Subscription, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	have, ok := c.pairs.Get(p)
	switch {
	case !ok || have.names != n || have.version.revision < v.revision:
		return nil, false
	case have.version == v:
		have.seen = max(have.seen, seen)
	case have.version.revision == v.revision:
		return nil, false
	}
	have.lent = true
	return have.subscriptions, true
}

// begin has the changes of a pair kept until end.
func (c *cache) begin(p Pair) *read {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.reads[p]
	if r == nil {
		r = &read{}
		c.reads[p] = r
	}
	r.readers++
	return r
}

// end takes in what was read of a pair since begin, with the changes that came meanwhile; nil if it could not be read. It
// returns the webhooks.
func (c *cache) end(p Pair, r *read, fresh *cached) []*Subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	current := c.reads[p] == r
	if r.readers--; current && r.readers == 0 {
		delete(c.reads, p)
	}
	if fresh == nil {
		return nil
	}
	if current {
		for _, ch := range r.changes {
			fresh.take(ch)
		}
		c.pairs.Add(p, fresh)
		if c.events[p.Account] == nil {
			c.events[p.Account] = map[string]bool{}
		}
		c.events[p.Account][p.Event] = true
	}
	fresh.lent = true
	return fresh.subscriptions
}

// change takes in a change of an account's webhook, which came next after the revision before. Event is empty if the
// webhook is none any more.
func (c *cache) change(account, event string, before uint64, ch change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, r := range c.reads {
		if p.Account == account && (event == "" || event == p.Event) {
			r.changes = append(r.changes, ch)
		}
	}
	for name := range c.events[account] {
		have, _ := c.pairs.Peek(Pair{account, name})
		if event == "" || event == name {
			have.take(ch)
		}
		if have.seen >= before {
			have.seen = max(have.seen, ch.revision)
		}
	}
}

// take takes in a change, unless it is known.
func (h *cached) take(ch change) {
	i, found := slices.BinarySearch(h.ids, ch.id)
	if ch.revision <= h.version.revision || !found && ch.subscription == nil {
		return
	}
	if h.lent {
		h.subscriptions, h.lent = slices.Clone(h.subscriptions), false
	}
	switch {
	case ch.subscription == nil:
		h.ids, h.subscriptions = slices.Delete(h.ids, i, i+1), slices.Delete(h.subscriptions, i, i+1)
	case found:
		h.subscriptions[i] = ch.subscription
	default:
		h.ids, h.subscriptions = slices.Insert(h.ids, i, ch.id), slices.Insert(h.subscriptions, i, ch.subscription)
	}
	h.version = version{ch.revision, uint64(len(h.ids))}
}
