package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// errBehind says that Redis is behind what this node has seen of the account.
var errBehind = errors.New("redis is behind the journal")

// lookup answers for a batch; see Registry.Lookup.
func (x *index) lookup(ctx context.Context, pairs []Pair) (map[Pair][]*Subscription, error) {
	if x.reconnected.Swap(false) || x.asksJournal {
		if err := x.catchUp(ctx); err != nil {
			x.reconnected.Store(true)
			return nil, err
		}
	}
	events := map[string][]string{}
	for _, p := range pairs {
		if !slices.Contains(events[p.Account], p.Event) {
			events[p.Account] = append(events[p.Account], p.Event)
		}
	}
	// Where Redis is behind, the account is replaced and all is asked again; more than a few rounds means that
	// Redis keeps losing its data.
	for range 5 {
		found, behind, err := x.ask(ctx, events)
		if err != nil {
			return nil, fmt.Errorf("look up webhooks: %w", err)
		}
		if len(behind) == 0 {
			return found, nil
		}
		for _, account := range behind {
			x.log.Warn("Redis was behind the journal; the account is read again", zap.String("account", account))
			if err := x.replace(ctx, account); err != nil {
				return nil, fmt.Errorf("look up webhooks: %w", err)
			}
		}
	}
	return nil, fmt.Errorf("look up webhooks: %w", errBehind)
}

func (x *index) ask(ctx context.Context, events map[string][]string) (found map[Pair][]*Subscription, behind []string, err error) {
	// What this node has seen is read before Redis: it must hold at least that.
	seen := make(map[string]uint64, len(events))
	x.mu.Lock()
	for account := range events {
		seen[account] = x.seen[account]
	}
	x.mu.Unlock()
	if found, ok := x.fromCache(events, seen); ok {
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
		answers[account] = pipe.HMGet(ctx, x.state(account), fields...)
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
		if revision(values[0]) < seen[account] {
			behind = append(behind, account)
			continue
		}
		for i, name := range names {
			version, ok := values[i+1].(string)
			if !ok {
				continue // no webhook, by an index that is not behind
			}
			pair := Pair{account, name}
			hit, ok := x.cache.Get(pair)
			if !ok || hit.version != version {
				if hit, err = x.fetch(ctx, pair, seen[account]); errors.Is(err, errBehind) {
					behind = append(behind, account)
					break
				} else if err != nil {
					return nil, nil, err
				}
			} else if hit.seen != seen[account] {
				hit.seen = seen[account]
				x.cache.Add(pair, hit)
			}
			found[pair] = hit.subscriptions
		}
	}
	return found, behind, nil
}

// fromCache answers without Redis, if that is this node's own and the watch has brought nothing since it was asked last.
func (x *index) fromCache(events map[string][]string, seen map[string]uint64) (map[Pair][]*Subscription, bool) {
	if !x.private {
		return nil, false
	}
	found := map[Pair][]*Subscription{}
	for account, names := range events {
		for _, name := range names {
			pair := Pair{account, name}
			hit, ok := x.cache.Get(pair)
			if !ok || hit.seen != seen[account] {
				return nil, false
			}
			found[pair] = hit.subscriptions
		}
	}
	return found, true
}

// fetch reads the webhooks of a pair into the cache.
func (x *index) fetch(ctx context.Context, p Pair, seen uint64) (cached, error) {
	answer, err := fetchScript.Run(ctx, x.redis, []string{x.state(p.Account), x.webhooks(p.Account, p.Event)}, p.Event).Slice()
	if err != nil {
		return cached{}, err
	}
	if len(answer) != 3 {
		return cached{}, fmt.Errorf("the index's script answered %d values", len(answer))
	}
	if revision(answer[0]) < seen {
		return cached{}, errBehind
	}
	version, _ := answer[1].(string)
	records, _ := answer[2].([]any)
	c := cached{version: version, seen: seen, subscriptions: make([]*Subscription, 0, len(records))}
	for _, r := range records {
		text, _ := r.(string)
		w, err := decodeOf(p.Account, broker.Entry{Value: []byte(text)})
		if errors.Is(err, record.ErrNewer) {
			c.subscriptions = append(c.subscriptions, &Subscription{Newer: true})
			continue
		}
		if err != nil {
			return cached{}, fmt.Errorf("a webhook of %s for %s: %w", p.Account, p.Event, err)
		}
		s, err := x.parse(w)
		if err != nil {
			x.log.Error("the events of a webhook wait in its backlog", zap.Error(err))
			s.Locked = true
		}
		c.subscriptions = append(c.subscriptions, s)
	}
	slices.SortFunc(c.subscriptions, func(a, b *Subscription) int {
		return cmp.Compare(a.Webhook.ID, b.Webhook.ID)
	})
	x.cache.Add(p, c)
	return c, nil
}

func revision(value any) uint64 {
	text, _ := value.(string)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
