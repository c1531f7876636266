package registry

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
)

// together is how many changes are brought into Redis at once at most: where thousands of webhooks change at about the same time,
// each waits for its own, and a round trip for each would have them wait for seconds.
const together = 256

// bringing is a change of the journal on its way into Redis.
type bringing struct {
	entry   jetstream.KeyValueEntry
	account string
	id      uint64
	// before is the revision of the account's change before.
	before uint64
	// webhook is what it makes of the webhook; kept is false if that leaves the index, and known if its record can be read.
	webhook     Webhook
	kept, known bool
	keys        []string
	record      string
	done        *redis.Cmd
}

// take brings changes into Redis, in the journal's order.
func (x *index) take(ctx context.Context, entries []jetstream.KeyValueEntry) error {
	x.mu.Lock()
	names, m, seen := x.names, mark{x.all, x.latest}, map[string]uint64{}
	all, why := make([]*bringing, 0, len(entries)), error(nil)
	for _, entry := range entries {
		if entry.Revision() <= m.revision {
			why = errBack
			break
		}
		if entry.Key() == generationKey {
			why = errAnew
			break
		}
		b := &bringing{entry: entry}
		b.account, b.id = subject(entry)
		known, again := seen[b.account]
		if b.before = x.seen[b.account]; again {
			b.before = known
		}
		seen[b.account], m.revision = entry.Revision(), entry.Revision()
		if entry.Created().After(m.latest) {
			m.latest = entry.Created()
		}
		all = append(all, b)
	}
	x.mu.Unlock()
	if len(all) > 0 {
		if err := x.bring(ctx, names, m, all); err != nil {
			return err
		}
	}
	return why
}

// bring brings changes into Redis, then into the cache, and notes how far the index is by then.
func (x *index) bring(ctx context.Context, names names, m mark, all []*bringing) error {
	highest := uint64(0)
	for _, b := range all {
		x.prepare(names, b)
		highest = max(highest, b.id)
	}
	if err := x.apply(ctx, names, all); err != nil {
		return err
	}
	for _, b := range all {
		if b.account == "" {
			continue
		}
		change, event := change{id: b.id, revision: b.entry.Revision()}, ""
		if b.kept {
			event, change.subscription = b.webhook.Event, x.subscription(b.webhook, b.known)
		}
		x.cache.change(b.account, event, b.before, change)
	}
	// Only once the changes are there: an index that is not behind its mark lacks nothing.
	if err := x.touch(ctx, names, m, highest); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range all {
		x.note(b.account, b.id, b.entry.Revision(), b.entry.Created())
	}
	x.waiters.reached(x.all)
	return nil
}

// prepare reads a change. What cannot be read leaves the index, as a reading of the whole journal would have it.
func (x *index) prepare(names names, b *bringing) {
	if b.account == "" {
		return
	}
	b.keys = []string{names.state(b.account)}
	if b.entry.Operation() != jetstream.KeyValuePut {
		x.deleted.Add(b.entry.Key(), struct{}{})
	} else if b.webhook, b.kept, b.known = x.read(b.entry); b.kept {
		b.keys, b.record = append(b.keys, names.webhooks(b.account, b.webhook.Event)), string(b.entry.Value())
	}
}

// apply applies changes in Redis, in one round trip. An account of which Redis has lost something is replaced.
func (x *index) apply(ctx context.Context, names names, all []*bringing) error {
	// Each answer says by itself what came of it.
	_, _ = x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, b := range all {
			if b.account != "" {
				b.done = applyScript.EvalSha(ctx, p, b.keys, b.arguments()...)
			}
		}
		return nil
	})
	restored := map[string]bool{}
	for _, b := range all {
		if b.account == "" || restored[b.account] {
			continue
		}
		done, err := b.done.Int()
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			done, err = applyScript.Run(ctx, x.redis, b.keys, b.arguments()...).Int()
		}
		if err == nil && done == 0 {
			restored[b.account] = true
			err = x.restore(ctx, names, b.account)
		}
		if err != nil {
			return fmt.Errorf("bring %s into the index: %w", b.entry.Key(), err)
		}
	}
	return nil
}

// arguments are those of applyScript.
func (b *bringing) arguments() []any { return []any{b.before, b.entry.Revision(), b.id, b.record} }
