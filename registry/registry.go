package registry

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// Options of a Registry.
type Options struct {
	Broker *broker.Broker
	// RedisURL leads to the Redis of the index, which all processes on the journal share; several with commas between are a
	// cluster. Empty: the index is kept in this process.
	RedisURL string
	// Redis is how it is reached besides that.
	Redis RedisOptions
	// Shared says whether other processes may write to the journal. If the index is kept in this process, each look-up then
	// first asks the journal how far it is: what one process has written, the look-ups of the others must see.
	Shared bool
	Sealer *Sealer
	// Cache bounds the (account, event) pairs whose webhooks are kept in memory.
	Cache int
	Log   *zap.Logger
}

// Registry is the journal of webhooks with its index. It is safe for concurrent use. Run must be running for writes to
// return and for look-ups to be answered.
type Registry struct {
	broker   *broker.Broker
	webhooks record.Store[Webhook]
	// noted has the last id, besides the journal.
	noted  record.Store[uint64]
	index  *index
	redis  redis.UniversalClient
	stop   func() error
	sealer *Sealer
	log    *zap.Logger
}

// Open opens the registry and its index. It also checks that the sealer has the key which this journal's secrets are
// sealed with. Its errors say what to do. Close the registry after use.
func Open(ctx context.Context, o Options) (*Registry, error) {
	if err := checkKey(ctx, o.Broker, o.Sealer); err != nil {
		return nil, err
	}
	r := &Registry{
		broker: o.Broker, sealer: o.Sealer, log: o.Log,
		webhooks: record.Store[Webhook]{Bucket: o.Broker.Webhooks, Name: "webhook", Decode: o.Sealer.decode, Encode: o.Sealer.encode},
		noted:    record.Store[uint64]{Bucket: o.Broker.Noted(), Name: "last id", Decode: decodeCounter, Encode: encodeCounter},
	}
	x, err := newIndex(o.Broker.Webhooks, o.Cache, r.subscription, o.Log)
	if err != nil {
		return nil, err
	}
	if r.index = x; o.RedisURL == "" {
		x.private, x.asksJournal = true, o.Shared
		r.redis, r.stop = openEmbeddedRedis()
	} else {
		// A new connection may lead to another Redis, an older one.
		if r.redis, err = openRedis(ctx, o.RedisURL, o.Redis, func() { x.connections.Add(1) }); err != nil {
			return nil, err
		}
		r.stop = r.redis.Close
		warnOfEviction(ctx, r.redis, o.Log)
	}
	x.redis = r.redis
	return r, nil
}

// Close closes the connections to Redis. Run must have returned.
func (r *Registry) Close() error {
	if err := r.stop(); err != nil {
		return fmt.Errorf("close Redis: %w", err)
	}
	return nil
}

// Run keeps the index up to the journal until the context ends.
func (r *Registry) Run(ctx context.Context) error { return r.index.run(ctx) }

// Ready says why look-ups cannot be answered at the moment, or changes not be brought to them, or nil: the index does not
// follow the journal, and for how long, or Redis cannot be reached or takes no writes.
func (r *Registry) Ready(ctx context.Context) error { return r.index.ready(ctx) }

// Started is closed when the index holds the journal for the first time.
func (r *Registry) Started() <-chan struct{} { return r.index.started }

// Lookup returns the webhooks of each pair, in one round trip to Redis where nothing changed, or none if the index is
// kept in this process. The results are shared: do not modify them.
func (r *Registry) Lookup(ctx context.Context, pairs []Pair) (map[Pair][]*Subscription, error) {
	return r.index.lookup(ctx, pairs)
}

// Deleted says whether the webhook was deleted lately, as far as this node has seen: no attempt is to begin any more.
func (r *Registry) Deleted(key string) bool { return r.index.deleted.Contains(key) }

// Sole says whether no webhook but one was ever made.
func (r *Registry) Sole() bool { return r.index.sole() }
