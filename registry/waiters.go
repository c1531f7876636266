package registry

import "container/heap"

// waiters are those who wait for the watch to bring a revision, the lowest first: a change wakes whom it concerns, however
// many wait for later ones. It is guarded by index.mu.
type waiters []waiter

type waiter struct {
	revision uint64
	woken    chan struct{}
}

// Len, Less, Swap, Push and Pop are those of a heap.
func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].revision < w[j].revision }
func (w waiters) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waiters) Push(x any)        { *w = append(*w, x.(waiter)) } //nolint:forcetypeassert // only add pushes
func (w *waiters) Pop() any {
	last := len(*w) - 1
	x := (*w)[last]
	(*w)[last] = waiter{}
	*w = (*w)[:last]
	return x
}

// add returns a channel that is closed once a revision is reached, or all are woken.
func (w *waiters) add(revision uint64) <-chan struct{} {
	woken := make(chan struct{})
	heap.Push(w, waiter{revision, woken})
	return woken
}

// reached wakes those who wait for a revision up to this one.
func (w *waiters) reached(revision uint64) {
	for len(*w) > 0 && (*w)[0].revision <= revision {
		close((*w)[0].woken)
		heap.Pop(w)
	}
}

// wake wakes all.
func (w *waiters) wake() {
	for _, one := range *w {
		close(one.woken)
	}
	*w = nil
}
