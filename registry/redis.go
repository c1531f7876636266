package registry

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// openRedis connects to the Redis of the index; several addresses with commas between are a cluster. The hook is
// called for each new connection. Its error says what to do. Close the client after use.
func openRedis(ctx context.Context, url string, connected func()) (redis.UniversalClient, error) {
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
		DialTimeout: 3 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, ContextTimeoutEnabled: true,
		OnConnect: func(context.Context, *redis.Conn) error { connected(); return nil },
	})
	if err := client.Ping(ctx).Err(); err != nil {
		_ = client.Close() // the ping's error is the one to report
		return nil, fmt.Errorf("reach Redis at %s: %w; check --redis-url", strings.Join(addresses, ","), err)
	}
	return client, nil
}

// warnOfEviction says what to do if a node of Redis removes keys where memory is short. A server that does not tell is not
// asked again.
func warnOfEviction(ctx context.Context, client redis.UniversalClient, log *zap.Logger) {
	look := func(ctx context.Context, node *redis.Client) error {
		settings, err := node.ConfigGet(ctx, "maxmemory*").Result()
		if err != nil {
			return err
		}
		if policy := settings["maxmemory-policy"]; settings["maxmemory"] != "0" && strings.HasPrefix(policy, "allkeys-") {
			log.Warn("Redis evicts keys of the index where memory is short, and each of them is then read again from the journal: set maxmemory-policy to noeviction, and maxmemory to what the index needs",
				zap.String("address", node.Options().Addr), zap.String("policy", policy))
		}
		return nil
	}
	switch client := client.(type) {
	case *redis.Client:
		_ = look(ctx, client) // managed servers refuse to tell
	case *redis.ClusterClient:
		_ = client.ForEachMaster(ctx, look) // as above
	}
}

// silence keeps the client from writing to standard error.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// openEmbeddedRedis starts an in-process Redis that keeps nothing, for an index that is rebuilt from the journal at
// start. Call close after use.
func openEmbeddedRedis() (client redis.UniversalClient, closeAll func() error) {
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
