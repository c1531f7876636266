package registry

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// Redis is the registry's client.
func (r *Registry) Redis() redis.UniversalClient { return r.redis }

// Forget empties what the registry keeps of look-ups in memory.
func (r *Registry) Forget() { r.index.cache.purge() }

// AtDraw calls do before each id is drawn, until restore is called.
func AtDraw(r *Registry, do func()) (restore func()) {
	bucket := r.index.ids.Bucket
	r.index.ids.Bucket = drawing{bucket, do}
	return func() { r.index.ids.Bucket = bucket }
}

type drawing struct {
	record.Bucket
	do func()
}

func (d drawing) Get(ctx context.Context, key string) (broker.Entry, error) {
	d.do()
	return d.Bucket.Get(ctx, key)
}

// Read counts how many webhooks are made of their records for look-ups, from now on.
func Read(r *Registry) *atomic.Int64 {
	count, parse := &atomic.Int64{}, r.index.parse
	r.index.parse = func(w Webhook) (*Subscription, error) {
		count.Add(1)
		return parse(w)
	}
	return count
}
