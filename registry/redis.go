package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// RedisOptions are how a Redis is reached, besides what its URL says.
type RedisOptions struct {
	// Master is the name of the master whose Sentinels the URL names; empty: it names no Sentinels.
	Master string
	// CAs are what its certificate is checked against; nil: the system's.
	CAs *x509.CertPool
	// Certificate is shown to it, if it asks; nil: none.
	Certificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error)
}

// openRedis connects to the Redis of the index: one server, a cluster by any of its addresses, or, with a master's name,
// what its Sentinels name. Several URLs have commas between. The hook is called for each new connection. Its error says what to
// do. Close the client after use.
func openRedis(ctx context.Context, url string, o RedisOptions, connected func()) (redis.UniversalClient, error) {
	options, err := readRedis(url, o)
	if err != nil {
		return nil, err
	}
	options.OnConnect = func(context.Context, *redis.Conn) error { connected(); return nil }
	// What the client has to say of its own comes back as errors too.
	redis.SetLogger(silence{})
	client := redis.NewUniversalClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		_ = client.Close() // the ping's error is the one to report
		return nil, fmt.Errorf("reach Redis at %s: %w; check --redis-url", strings.Join(options.Addrs, ","), err)
	}
	single, ok := client.(*redis.Client)
	if !ok || o.Master != "" {
		return client, nil
	}
	// A server that does not tell is taken for a single one.
	if info, err := single.Info(ctx, "cluster").Result(); err != nil || !strings.Contains(info, "cluster_enabled:1") {
		return client, nil
	}
	if err := client.Close(); err != nil {
		return nil, fmt.Errorf("reach Redis at %s as a cluster: %w", strings.Join(options.Addrs, ","), err)
	}
	options.IsClusterMode = true
	client = redis.NewUniversalClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		_ = client.Close() // the ping's error is the one to report
		return nil, fmt.Errorf("reach the Redis cluster at %s: %w; its nodes have to be reached at the addresses that they name", strings.Join(options.Addrs, ","), err)
	}
	return client, nil
}

// readRedis makes options of the client of URLs and what goes beside them.
func readRedis(url string, o RedisOptions) (*redis.UniversalOptions, error) {
	universal := &redis.UniversalOptions{
		MasterName:  o.Master,
		DialTimeout: 3 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, ContextTimeoutEnabled: true,
	}
	for each := range strings.SplitSeq(url, ",") {
		if each = strings.TrimSpace(each); each == "" {
			continue
		}
		options, err := redis.ParseURL(each)
		if err != nil {
			return nil, fmt.Errorf("read --redis-url: it is redis://[user:password@]host:port/db or rediss://…: %w", err)
		}
		if universal.Addrs = append(universal.Addrs, options.Addr); len(universal.Addrs) > 1 {
			continue // the first says the rest for all
		}
		universal.DB, universal.Username, universal.Password, universal.TLSConfig = options.DB, options.Username, options.Password, options.TLSConfig
	}
	if universal.TLSConfig != nil {
		universal.TLSConfig.RootCAs, universal.TLSConfig.GetClientCertificate = o.CAs, o.Certificate
	}
	return universal, nil
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
