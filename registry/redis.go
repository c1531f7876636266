package registry

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Doubt is to be called when a connection to Redis is made: it may lead to another, older one.
func (r *Registry) Doubt() { r.index.doubt.Store(true) }

// Alone is to be called if other processes use the same journal, and not this Redis. It costs each look-up a question
// to NATS: what one process has written, the others' look-ups must see.
func (r *Registry) Alone() { r.index.alone.Store(true) }

// Own is to be called, before Run, if nobody else writes to this Redis. It spares look-ups the question to Redis while
// nothing changes.
func (r *Registry) Own() { r.index.own = true }

// OpenRedis connects to the Redis of the index; several addresses with commas between are a cluster. The hook is
// called for each new connection. Its error says what to do. Close the client after use.
func OpenRedis(ctx context.Context, url string, connected func()) (redis.UniversalClient, error) {
	first, rest, _ := strings.Cut(url, ",")
	options, err := redis.ParseURL(strings.TrimSpace(first))
	if err != nil {
		return nil, fmt.Errorf("read --redis-url: it is redis://[user:password@]host:port/db or rediss://…: %w", err)
	}
	addresses := []string{options.Addr}
	for more := range strings.SplitSeq(rest, ",") {
		if more = strings.TrimSpace(more); more == "" {
			continue
		}
		other, err := redis.ParseURL(more)
		if err != nil {
			return nil, fmt.Errorf("read --redis-url: it is redis://[user:password@]host:port/db or rediss://…: %w", err)
		}
		addresses = append(addresses, other.Addr)
	}
	// What the client has to say of its own comes back as errors too.
	redis.SetLogger(silence{})
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: addresses, DB: options.DB, Username: options.Username, Password: options.Password, TLSConfig: options.TLSConfig,
		DialTimeout: 3 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		OnConnect: func(context.Context, *redis.Conn) error { connected(); return nil },
	})
	if err := client.Ping(ctx).Err(); err != nil {
		_ = client.Close() // the ping's error is the one to report
		return nil, fmt.Errorf("reach Redis at %s: %w; check --redis-url", strings.Join(addresses, ","), err)
	}
	return client, nil
}

// silence keeps the client from writing to standard error.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// OpenEmbeddedRedis starts an in-process Redis that keeps nothing, for an index that is rebuilt from the journal at
// start. Call close after use.
func OpenEmbeddedRedis() (client redis.UniversalClient, closeAll func() error) {
	server := miniredis.NewMiniRedis()
	client = redis.NewClient(&redis.Options{
		// Numeric, so that nothing is resolved.
		Addr: "127.0.0.1:0",
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			c, err := server.Dial()
			if err != nil {
				return nil, err
			}
			return newBacked(c), nil
		},
		PoolSize:        8,
		DisableIdentity: true,
	})
	return client, func() error {
		err := client.Close()
		server.Close()
		return err
	}
}
