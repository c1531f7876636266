package console

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	// A webhook's URL may be tested this often by the right of a link, and then once in this time.
	probeBurst = 5
	probeEvery = 10 * time.Second
	// throttled bounds the webhooks that are remembered.
	throttled = 10_000
)

// throttle slows what is done often. It is safe for concurrent use.
type throttle struct {
	limits *lru.Cache[string, *rate.Limiter]
}

func newThrottle() *throttle {
	// The size is positive, and nothing else can be wrong.
	limits, _ := lru.New[string, *rate.Limiter](throttled)
	return &throttle{limits}
}

// allow says whether something may be done now.
func (t *throttle) allow(key string) bool {
	fresh := rate.NewLimiter(rate.Every(probeEvery), probeBurst)
	limit, known, _ := t.limits.PeekOrAdd(key, fresh)
	if !known {
		limit = fresh
	}
	return limit.Allow()
}
