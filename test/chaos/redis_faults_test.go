package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/saumer/saumer/test/process"
)

func redisTroubles() []trouble {
	return []trouble{
		{"redis: SIGKILL and started empty", none, func(w *world) {
			w.redis.Kill()
			w.pass(time.Second)
			w.must(w.redis.Start())
		}},
		{"redis: FLUSHALL under load", none, func(w *world) {
			for range 5 {
				w.asked(func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() })
				w.pass(w.between(0, time.Second))
			}
		}},
		{"redis: rolled back to an older snapshot", none, func(w *world) {
			w.asked(func(ctx context.Context, c *redis.Client) error { return c.Save(ctx).Err() })
			added := w.hook("made after the snapshot", plain)
			w.redis.Kill()
			w.must(w.redis.Start()) // it reads what was saved
			w.pass(hold)
			w.settle()
			w.remove(added)
			w.must(os.Remove(filepath.Join(w.redis.Dir, "dump.rdb")))
		}},
		{"redis: gone for a while", none, func(w *world) {
			w.redisProxy.cut()
			w.pass(*gone)
			w.redisProxy.mend()
		}},
		{"redis: answers after seconds", slowLooks, func(w *world) {
			w.redisProxy.slow(1500 * time.Millisecond)
			w.pass(2 * hold)
			w.redisProxy.slow(0)
		}},
		{"redis: a replica promoted behind its primary", none, func(w *world) { w.promote() }},
	}
}

// evictTroubles are the loss of each key of Redis.
func evictTroubles() []trouble {
	return []trouble{
		watched(either, trouble{"redis: each key is evicted, one by one", none, func(w *world) {
			var keys []string
			w.asked(func(ctx context.Context, c *redis.Client) (err error) {
				keys, err = c.Keys(ctx, "*").Result()
				return err
			})
			if len(keys) < 4 {
				w.t.Errorf("the index has only the keys %q", keys)
			}
			for _, key := range keys {
				w.asked(func(ctx context.Context, c *redis.Client) error { return c.Del(ctx, key).Err() })
				w.pass(300 * time.Millisecond)
				added := w.hook("made without "+key, plain)
				w.asked(func(ctx context.Context, c *redis.Client) error { return c.Del(ctx, key).Err() })
				w.pass(300 * time.Millisecond)
				w.settle()
				w.remove(added)
			}
		}}),
	}
}

// asked does something with Redis.
func (w *world) asked(do func(context.Context, *redis.Client) error) {
	w.t.Helper()
	c := w.client()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w.must(do(ctx, c))
	w.must(c.Close())
}

// promote has a replica that has lost touch take over.
func (w *world) promote() {
	w.t.Helper()
	dir := filepath.Join(w.dir, fmt.Sprintf("replica%d", w.rng.Int64()))
	w.must(os.Mkdir(dir, 0o700))
	replica := &process.Redis{Dir: dir}
	w.must(replica.Start())
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", replica.Port)})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.must(c.ReplicaOf(ctx, "127.0.0.1", fmt.Sprint(w.redis.Port)).Err())
	w.retry("replicate", func() error {
		n, err := c.DBSize(ctx).Result()
		if err == nil && n == 0 {
			err = fmt.Errorf("the replica is empty")
		}
		return err
	})
	w.must(c.ReplicaOf(ctx, "NO", "ONE").Err())
	w.must(c.Close())
	added := w.hook("made behind the replica's back", plain)
	w.redisProxy.lead(fmt.Sprintf("127.0.0.1:%d", replica.Port))
	w.redisProxy.cut()
	w.redisProxy.mend()
	w.redis.Kill()
	w.redis = replica
	w.pass(hold)
	w.settle()
	w.remove(added)
}
