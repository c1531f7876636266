package slots

import (
	"container/heap"
	"strings"
)

// slot is what one key has under way and waiting.
type slot struct {
	key     string
	owner   *owner
	limit   int
	taken   int
	waiting []func()
	rank
}

// owner is who some keys belong to, such as an account. All owners have the same right to slots.
type owner struct {
	name string
	// keys is how many it has, and taken how many slots these have.
	keys, taken int
	// prompt is true if its last attempt ended soon, and few how many slots it has in any case.
	prompt bool
	few    int
	// ready are its keys that have work and a free slot of their own: the one with the fewest slots first.
	ready queue[*slot]
	rank
}

// weight is by what keys, and owners, are served: the one with the least first. Of an owner it is also what it needs to be free
// for its first key to have its share, as Over has it, of what the owner may have as its own.
func (k *slot) weight() int { return k.taken }
func (o *owner) weight() int {
	if o.silent() {
		return last + o.taken + o.ready[0].taken
	}
	return o.taken + o.ready[0].taken
}

// last is more than any weight: those that are silent come after all others.
const last = 1 << 30

// silent says whether the owner has few slots or more, and what ended last did not end soon: it may be that all of them hang. One
// whose next key has none yet is heard.
func (o *owner) silent() bool { return !o.prompt && o.taken >= o.few && o.ready[0].taken > 0 }

// owner returns that of a key.
func (s *Slots) owner(key string) *owner {
	name, _, _ := strings.Cut(key, ".")
	o := s.owners[name]
	if o == nil {
		o = &owner{name: name, few: max(s.total/fewOf, 1), rank: rank{place: outside}}
		s.owners[name] = o
	}
	return o
}

// left forgets an owner whose last key has left.
func (s *Slots) left(o *owner) {
	if o.keys--; o.keys == 0 {
		delete(s.owners, o.name)
	}
}

// settle puts a key that has changed, and its owner, where they belong.
func (s *Slots) settle(k *slot) {
	k.owner.ready.settle(k, len(k.waiting) > 0 && k.taken < k.limit)
	s.ready.settle(k.owner, len(k.owner.ready) > 0)
}

// rank is where something is in a queue: outside if it is not, and when it was served last.
type rank struct {
	place int
	turn  uint64
}

// outside is the place of what is not in a queue.
const outside = -1

func (r *rank) self() *rank { return r }

// ranked is what can be in a queue.
type ranked interface {
	weight() int
	self() *rank
}

// queue is a heap: first what has the least weight, and of several what waits for the longest.
type queue[T ranked] []T

var _ heap.Interface = (*queue[*slot])(nil)

// settle puts what has changed where it belongs: into the queue or out of it.
func (q *queue[T]) settle(v T, in bool) {
	switch place := v.self().place; {
	case place == outside && in:
		heap.Push(q, v)
	case place != outside && in:
		heap.Fix(q, place)
	case place != outside:
		heap.Remove(q, place)
	}
}

func (q queue[T]) Len() int { return len(q) }

func (q queue[T]) Less(i, j int) bool {
	if a, b := q[i].weight(), q[j].weight(); a != b {
		return a < b
	}
	return q[i].self().turn < q[j].self().turn
}

func (q queue[T]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].self().place, q[j].self().place = i, j
}

// Push puts something at the end; heap.Push calls it.
func (q *queue[T]) Push(v any) {
	last := v.(T)
	last.self().place = len(*q)
	*q = append(*q, last)
}

// Pop takes out the last; heap.Remove calls it.
func (q *queue[T]) Pop() any {
	old := *q
	last := old[len(old)-1]
	clear(old[len(old)-1:])
	*q = old[:len(old)-1]
	last.self().place = outside
	return last
}
