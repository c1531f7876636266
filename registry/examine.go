package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// RedisServer is one server of the index's Redis as it looks from outside. What a server does not tell is empty.
type RedisServer struct {
	Address, Version string
	// Policy is what it does where memory is short: its maxmemory-policy.
	Policy string
	// Used is the memory in use and Most the bound of it, in bytes; 0: no bound.
	Used, Most int64
	// ReadOnly says that it is a replica.
	ReadOnly bool
}

// ExamineRedis looks at the servers that hold the index, and changes nothing. Its error says what to check.
func ExamineRedis(ctx context.Context, url string, o RedisOptions) ([]RedisServer, error) {
	client, err := openRedis(ctx, url, o, func() {})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var servers []RedisServer
	look := func(ctx context.Context, node *redis.Client) error {
		server, err := examineRedis(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		servers = append(servers, server)
		return err
	}
	switch client := client.(type) {
	case *redis.Client:
		err = look(ctx, client)
	case *redis.ClusterClient:
		err = client.ForEachMaster(ctx, look)
	default:
		err = fmt.Errorf("a client of the kind %T is not known", client)
	}
	return servers, errors.Join(err, client.Close())
}

func examineRedis(ctx context.Context, node *redis.Client) (RedisServer, error) {
	s := RedisServer{Address: node.Options().Addr}
	text, err := node.Info(ctx, "server", "memory", "replication").Result()
	if err != nil {
		return s, fmt.Errorf("ask Redis at %s for INFO: %w; check that the user may do so", s.Address, err)
	}
	info := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			info[name] = value
		}
	}
	s.Version, s.Policy, s.ReadOnly = info["redis_version"], info["maxmemory_policy"], info["role"] == "slave"
	// Where a server leaves them out they stay 0.
	s.Used, _ = strconv.ParseInt(info["used_memory"], 10, 64)
	s.Most, _ = strconv.ParseInt(info["maxmemory"], 10, 64)
	return s, nil
}
