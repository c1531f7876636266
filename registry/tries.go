package registry

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// ErrLimit is what every *LimitError is; match it with errors.Is.
var ErrLimit = errors.New("too much at once")

// LimitError refuses what would be too much, and says when it may be tried again.
type LimitError struct {
	// What is too much, as a part of a sentence for the caller.
	What string
	// After is how long to wait.
	After time.Duration
}

// Error is a sentence for the caller.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: try again in %d s", e.What, e.Seconds())
}

// Is makes it an ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// Seconds is After in whole seconds, one at least, as Retry-After has it.
func (e *LimitError) Seconds() int { return max(1, int(math.Ceil(e.After.Seconds()))) }

// Tries that go wrong are limited for each pair of address and account, for each address, and for each account: so many at
// once, and then one in so long.
const (
	pairBurst, pairEvery       = 5, 10 * time.Second
	addressBurst, addressEvery = 20, 2 * time.Second
	accountBurst, accountEvery = 60, time.Second
	// triesKept bounds what is remembered of each kind.
	triesKept = 10_000
)

// Tries limits what is tried and goes wrong: logins and links. It is safe for concurrent use.
type Tries struct {
	mu sync.Mutex
	// The rest is guarded by mu.
	pairs, addresses, accounts *lru.Cache[string, *allowance]
}

// allowance is how many tries are left. They come back with time.
type allowance struct {
	left float64
	at   time.Time
}

func newTries() *Tries {
	// The sizes are positive, and nothing else can be wrong.
	pairs, _ := lru.New[string, *allowance](triesKept)
	addresses, _ := lru.New[string, *allowance](triesKept)
	accounts, _ := lru.New[string, *allowance](triesKept)
	return &Tries{pairs: pairs, addresses: addresses, accounts: accounts}
}

// Begin counts a try, from an address and for an account, as one that goes wrong; undo takes that back. It refuses with a
// *LimitError, and counts nothing, if too many went wrong. An empty account stands for none.
func (t *Tries) Begin(address, account string) (undo func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	address = network(address)
	counted := []*allowance{allowed(t.addresses, address, now, addressBurst, addressEvery)}
	every := []time.Duration{addressEvery}
	if account != "" {
		counted = append(counted, allowed(t.pairs, address+" "+account, now, pairBurst, pairEvery), allowed(t.accounts, account, now, accountBurst, accountEvery))
		every = append(every, pairEvery, accountEvery)
	}
	for i, a := range counted {
		if a.left < 1 {
			return nil, &LimitError{
				What:  "too many tries went wrong from this address or for this account",
				After: time.Duration((1 - a.left) * float64(every[i])),
			}
		}
	}
	for _, a := range counted {
		a.left--
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, a := range counted {
			a.left++
		}
	}, nil
}

// allowed is the allowance under a key as it is now.
func allowed(of *lru.Cache[string, *allowance], key string, now time.Time, burst float64, every time.Duration) *allowance {
	a, ok := of.Get(key)
	if !ok {
		a = &allowance{burst, now}
		of.Add(key, a)
	}
	a.left = min(burst, a.left+float64(now.Sub(a.at))/float64(every))
	a.at = now
	return a
}

// network is what an address counts as: whoever has one IPv6 address has all of its /64.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Unmap().Is6() {
		return address
	}
	// 64 bits are not too many for an IPv6 address.
	prefix, _ := ip.WithZone("").Prefix(64)
	return prefix.String()
}
