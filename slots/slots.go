// Package slots bounds how many attempts each webhook, each account and the process have in flight, for the live path and the
// backlogs together. It knows neither: what waits for a slot is a function.
package slots

import (
	"runtime"
	"sync"
	"time"
)

const (
	// eager is how many attempts that began lately, in one turn or the next, may be under way when another begins at once:
	// a process that is busy gains nothing by more connections. What hangs for longer keeps nobody waiting.
	eager = 256
	turn  = 25 * time.Millisecond
	// An owner of which no attempt ends within soon has no more than a part of fewOf of all slots once half of them are taken: so
	// that many owners whose endpoints hang, one after the other, do not each take half of what the one before has left.
	soon  = 2 * time.Second
	fewOf = 32
	// Beyond that, a process is busy if giving way takes as long as busy; then one more begins in each pause.
	busy, pause = 200 * time.Microsecond, 5 * time.Millisecond
)

// Over says whether who holds a number of places holds more than its share of what all have together, of which some are free:
// nobody has more than is left for others. So whoever comes finds room, and of n who want all there is, each has one part of
// n+1. It is the one rule for whatever is short: slots, events in flight, deliveries, runners.
func Over(held, free int) bool { return held > free }

// Slots bounds the attempts in flight, for each webhook, each account and in all, for the live path and the backlogs together.
// It is safe for concurrent use.
type Slots struct {
	perKey, total int

	mu     sync.Mutex
	keys   map[string]*slot
	owners map[string]*owner
	taken  int
	// ready are the owners with keys that have work and a free slot of their own, and wait only for the total or their share
	// of it: the one with the fewest slots first.
	ready queue[*owner]
	// turns counts what has begun.
	turns uint64
	// growing is true while more than the eager are being begun.
	growing bool
	// lately are how many of those under way began in the turn of this number, counted since made, and in the one before.
	lately [2]int
	turn   time.Duration
	made   time.Time
}

// New makes Slots: perKey is how many attempts a key may have under way by default, total how many all have.
func New(perKey, total int) *Slots {
	return &Slots{perKey: perKey, total: total, keys: map[string]*slot{}, owners: map[string]*owner{}, made: time.Now()}
}

// Go runs f in a goroutine as soon as the key has a free slot, its owner has not more than its share of the total, and the
// processor is there for it. A key's owner is what comes before its first dot. A key's work begins in the order in which it came;
// among owners, the one with the fewest slots is next, and keys of one owner take turns. Limit 0 is the default. It never blocks.
func (s *Slots) Go(key string, limit int, f func()) {
	if limit <= 0 {
		limit = s.perKey
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	if k == nil {
		k = &slot{key: key, owner: s.owner(key), rank: rank{place: outside}}
		k.owner.keys++
		s.keys[key] = k
	}
	k.limit = limit
	k.waiting = append(k.waiting, f)
	s.settle(k)
	now := time.Now()
	for s.young(now) < eager {
		next, ok := s.next(now)
		if !ok {
			return
		}
		go s.work(next)
	}
	s.moreLocked()
}

// moreLocked has what is ready begin, one after the other, if any may. mu is held.
func (s *Slots) moreLocked() {
	if s.may() && !s.growing {
		s.growing = true
		go s.grow()
	}
}

// grow begins what is ready, one after the other, and gives way to whatever can go on: that takes no time in a process
// that waits.
func (s *Slots) grow() {
	for {
		began := time.Now()
		runtime.Gosched()
		if time.Since(began) > busy {
			time.Sleep(pause)
		}
		s.mu.Lock()
		next, ok := s.next(time.Now())
		s.growing = ok
		s.mu.Unlock()
		if !ok {
			return
		}
		go s.work(next)
	}
}

// Full says whether a key has as many attempts in flight as it may have.
func (s *Slots) Full(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	return k != nil && k.taken >= k.limit
}

// may says whether something that is ready may begin.
func (s *Slots) may() bool {
	if len(s.ready) == 0 || s.taken >= s.total {
		return false
	}
	first := s.ready[0]
	if first.silent() && 2*s.taken >= s.total {
		return false // and so are all behind it
	}
	return !Over(first.taken+first.ready[0].taken, s.total-s.taken)
}

// job is a piece of work that has its slot, since a turn.
type job struct {
	of   *slot
	f    func()
	turn time.Duration
}

// young is how many of those under way began lately.
func (s *Slots) young(now time.Time) int {
	current := now.Sub(s.made) / turn
	switch current - s.turn {
	case 0:
	case 1:
		s.lately = [2]int{0, s.lately[0]}
	default:
		s.lately = [2]int{}
	}
	s.turn = current
	return s.lately[0] + s.lately[1]
}

// ended takes a piece of work out of those that are under way.
func (s *Slots) ended(j job, now time.Time) {
	s.young(now)
	if age := s.turn - j.turn; age <= 1 {
		s.lately[age]--
	}
	k := j.of
	k.owner.prompt = (s.turn-j.turn)*turn < soon
	k.taken--
	k.owner.taken--
	s.taken--
	s.settle(k)
	if k.taken == 0 && len(k.waiting) == 0 {
		delete(s.keys, k.key)
		s.left(k.owner)
	}
}

// next takes the next piece of work that may begin, with its slot; false if there is none.
func (s *Slots) next(now time.Time) (job, bool) {
	if !s.may() {
		return job{}, false
	}
	o := s.ready[0]
	k := o.ready[0]
	f := k.waiting[0]
	k.waiting[0] = nil
	k.waiting = k.waiting[1:]
	k.taken++
	o.taken++
	s.taken++
	s.turns++
	k.turn, o.turn = s.turns, s.turns
	s.settle(k)
	s.young(now)
	s.lately[0]++
	return job{k, f, s.turn}, true
}

// work runs a piece of work, and then others while there are any: a goroutine is kept busy rather than made anew.
func (s *Slots) work(j job) {
	for ok := true; ok; {
		j.f()
		s.mu.Lock()
		now := time.Now()
		silent := !j.of.owner.prompt
		s.ended(j, now)
		heard := silent && j.of.owner.prompt
		if j, ok = s.next(now); heard {
			s.moreLocked() // its owner may have more than it could before
		}
		s.mu.Unlock()
	}
}
