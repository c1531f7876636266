package registry

import "github.com/redis/go-redis/v9"

// Redis is the registry's client.
func (r *Registry) Redis() redis.UniversalClient { return r.redis }
