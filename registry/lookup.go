package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// Errors of what Redis holds.
var (
	// errBehind says that Redis has less than this node has seen of the account, or not all of it.
	errBehind = errors.New("redis is behind the journal, or has lost keys")
	// errLost says the same of the whole index.
	errLost = errors.New("redis is behind the journal after a new connection to it")
)

// lookup answers for a batch; see Registry.Lookup.
func (x *index) lookup(ctx context.Context, pairs []Pair) (map[Pair][]*Subscription, error) {
	if err := x.current(ctx); err != nil {
		return nil, fmt.Errorf("look up webhooks: %w", err)
	}
	events := map[string][]string{}
	for _, p := range pairs {
		if !slices.Contains(events[p.Account], p.Event) {
			events[p.Account] = append(events[p.Account], p.Event)
		}
	}
	for account := range events {
		events[account] = append(events[account], Several)
	}
	// Where Redis is behind, the account is replaced and all is asked again; more than a few rounds means that
	// Redis keeps losing its data.
	for range 5 {
		if err := x.wait(ctx, patience, 0); err != nil {
			return nil, fmt.Errorf("look up webhooks: %w", err)
		}
		q := x.question(events)
		found, behind, err := x.ask(ctx, q, events)
		if err == nil && len(behind) > 0 {
			err = x.heal(ctx, q.names, behind)
		}
		if err != nil {
			x.doubt() // the journal may be another one
			return nil, fmt.Errorf("look up webhooks: %w", err)
		}
		if len(behind) == 0 {
			return joined(found, pairs), nil
		}
	}
	return nil, fmt.Errorf("look up webhooks: %w", errBehind)
}

// joined adds to the webhooks of each pair those of its account that are for several events and take that of the pair.
func joined(found map[Pair][]*Subscription, pairs []Pair) map[Pair][]*Subscription {
	for _, p := range pairs {
		var more []*Subscription
		for _, s := range found[Pair{p.Account, Several}] {
			if s.Newer || s.Webhook.Takes(p.Event) {
				more = append(more, s)
			}
		}
		if len(more) > 0 {
			found[p] = slices.Concat(found[p], more) // what was found is shared
		}
	}
	return found
}

// current makes sure that this node has seen all that look-ups must show: after a new connection to Redis, and with each
// look-up if other processes have an index of their own.
func (x *index) current(ctx context.Context) error {
	connections := x.connections.Load()
	renewed := connections != x.checked.Load()
	if !renewed && !x.asksJournal {
		return nil
	}
	if err := x.catchUp(ctx); err != nil || !renewed {
		return err
	}
	x.mu.Lock()
	names, all := x.names, x.all
	x.mu.Unlock()
	m, _, found, err := x.mark(ctx, names)
	if err != nil {
		return err
	}
	if !found || m.revision < all {
		x.refuse(errLost)
	}
	x.checked.Store(connections)
	return nil
}

// question is what an answer is judged by, read before Redis is asked: what this node has seen of each account.
type question struct {
	names names
	seen  map[string]uint64
}

func (x *index) question(events map[string][]string) question {
	x.mu.Lock()
	defer x.mu.Unlock()
	q := question{x.names, make(map[string]uint64, len(events))}
	for account := range events {
		q.seen[account] = x.seen[account]
	}
	return q
}

// believes says whether an account's state in Redis, by its revision and a version, can be what this node has seen. A key
// that is not there is no answer. Nor are webhooks of an account which the journal has never brought.
func (q question) believes(account string, rev any, version string) bool {
	if rev == nil || revision(rev) < q.seen[account] {
		return false
	}
	return q.seen[account] > 0 || version == "" || strings.HasSuffix(version, ":0")
}

// ask asks Redis. It returns the accounts which Redis has not, or not whole.
func (x *index) ask(ctx context.Context, q question, events map[string][]string) (found map[Pair][]*Subscription, behind []string, err error) {
	if found, ok := x.fromCache(q, events); ok {
		return found, nil, nil
	}

	pipe := x.redis.Pipeline()
	answers := make(map[string]*redis.SliceCmd, len(events))
	for account, names := range events {
		fields := make([]string, 1, len(names)+1)
		fields[0] = "rev"
		for _, name := range names {
			fields = append(fields, "v:"+name)
		}
		answers[account] = pipe.HMGet(ctx, q.names.state(account), fields...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, err
	}
	found = map[Pair][]*Subscription{}
	for account, names := range events {
		values := answers[account].Val()
		if len(values) != len(names)+1 {
			return nil, nil, fmt.Errorf("redis answered %d values for %d fields", len(values), len(names)+1)
		}
		whole, err := x.answer(ctx, q, account, names, values, found)
		if err != nil {
			return nil, nil, err
		}
		if !whole {
			behind = append(behind, account)
		}
	}
	return found, behind, nil
}

// answer adds the webhooks of an account's events to what was found, by what Redis answered. It returns false if Redis has
// not all of the account.
func (x *index) answer(ctx context.Context, q question, account string, events []string, values []any, found map[Pair][]*Subscription) (whole bool, err error) {
	if !q.believes(account, values[0], "") {
		return false, nil
	}
	for i, name := range events {
		version, ok := values[i+1].(string)
		if !ok && name == Several && x.private {
			if err := x.none(ctx, q, Pair{account, name}); err != nil {
				return false, err
			}
		}
		if !ok {
			continue // no webhook, by an index that is not behind
		}
		if !q.believes(account, values[0], version) {
			return false, nil
		}
		pair := Pair{account, name}
		subscriptions, err := x.subscriptions(ctx, q, pair, version)
		if errors.Is(err, errBehind) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		found[pair] = subscriptions
	}
	return true, nil
}

// fromCache answers without Redis, if that is this node's own and the watch has brought nothing since it was asked last.
func (x *index) fromCache(q question, events map[string][]string) (map[Pair][]*Subscription, bool) {
	if !x.private {
		return nil, false
	}
	found := map[Pair][]*Subscription{}
	for account, names := range events {
		for _, name := range names {
			pair := Pair{account, name}
			subscriptions, ok := x.cache.get(pair, q.names, q.seen[account])
			if !ok {
				return nil, false
			}
			found[pair] = subscriptions
		}
	}
	return found, true
}

// none has the cache know that an account has no webhook for several events, if that is so: most accounts have none, and each
// look-up asks.
func (x *index) none(ctx context.Context, q question, p Pair) error {
	reading := x.cache.begin(p)
	values, err := x.redis.HMGet(ctx, q.names.state(p.Account), "rev", "v:"+p.Event).Result()
	var fresh *cached
	if err == nil && len(values) == 2 && values[1] == nil && q.believes(p.Account, values[0], "") {
		fresh = &cached{names: q.names, seen: q.seen[p.Account]}
	}
	x.cache.end(p, reading, fresh)
	return err
}

const (
	// few is how many webhooks are rather read again than waited for.
	few = 256
	// behindBy is how long the watch may be behind what Redis has of many webhooks until they are all read again.
	behindBy = 500 * time.Millisecond
)

// subscriptions returns the webhooks of a pair of which Redis has a version: errBehind if Redis has not all of them. A
// change that another process has brought into Redis is not read: this one's watch is about to bring it.
func (x *index) subscriptions(ctx context.Context, q question, p Pair, text string) ([]*Subscription, error) {
	v, err := parseVersion(text)
	if err != nil {
		return nil, err
	}
	seen := q.seen[p.Account]
	if subscriptions, ok := x.cache.as(p, q.names, v, seen); ok {
		return subscriptions, nil
	}
	if _, known := x.cache.get(p, q.names, 0); known && v.count > few && v.revision > seen {
		if x.wait(ctx, behindBy, v.revision) == nil {
			if subscriptions, ok := x.cache.as(p, q.names, v, seen); ok {
				return subscriptions, nil
			}
		}
	}
	reading := x.cache.begin(p)
	fresh, err := x.fetch(ctx, q, p)
	return x.cache.end(p, reading, fresh), err
}

// fetch reads the webhooks of a pair: errBehind if Redis has not all of them.
func (x *index) fetch(ctx context.Context, q question, p Pair) (*cached, error) {
	keys := []string{q.names.state(p.Account), q.names.webhooks(p.Account, p.Event)}
	answer, err := fetchScript.Run(ctx, x.redis, keys, p.Event).Slice()
	if err != nil {
		return nil, err
	}
	if len(answer) != 3 {
		return nil, errBehind
	}
	text, _ := answer[1].(string)
	if !q.believes(p.Account, answer[0], text) {
		return nil, errBehind
	}
	c := &cached{names: q.names, seen: q.seen[p.Account]}
	if c.version, err = parseVersion(text); err != nil {
		return nil, err
	}
	records := map[uint64]string{}
	fields, _ := answer[2].([]any)
	for i := 0; i+1 < len(fields); i += 2 {
		if id := revision(fields[i]); id != 0 { // the other field is the hash's version
			records[id], _ = fields[i+1].(string)
		}
	}
	c.ids = slices.Sorted(maps.Keys(records))
	c.subscriptions = make([]*Subscription, len(c.ids))
	for i, id := range c.ids {
		w, err := decodeOf(p.Account, broker.Entry{Value: []byte(records[id])})
		if err != nil && !errors.Is(err, record.ErrNewer) {
			return nil, fmt.Errorf("a webhook of %s for %s: %w", p.Account, p.Event, err)
		}
		c.subscriptions[i] = x.subscription(w, err == nil)
	}
	return c, nil
}

// subscription is a webhook as the live path needs it; one that is not known is of a newer version.
func (x *index) subscription(w Webhook, known bool) *Subscription {
	if !known {
		return &Subscription{Newer: true}
	}
	s, err := x.parse(w)
	if err != nil {
		x.log.Error("the events of a webhook wait in its backlog", zap.Error(err))
		s.Locked = true
	}
	return s
}

func revision(value any) uint64 {
	text, _ := value.(string)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
