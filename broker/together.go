package broker

import (
	"context"
	"sync"
	"time"
)

// askingTime bounds a question that is asked for several.
const askingTime = 10 * time.Second

// together asks one question for all who ask the same at the same time: thousands of backlogs that open or close their spans
// at once are then few questions. Each gets the answer to a question that was asked after it came. It is safe for concurrent
// use.
type together[T any] struct {
	mu sync.Mutex
	// next is what is asked as soon as the question under way is answered, nil if nobody waits; asking says whether there is one.
	next   *answer[T]
	asking bool
}

// answer is one that several wait for, until it is there.
type answer[T any] struct {
	there chan struct{}
	value T
	err   error
}

// ask returns the answer of a question that begins after the call.
func (t *together[T]) ask(ctx context.Context, question func(context.Context) (T, error)) (T, error) {
	t.mu.Lock()
	if t.next == nil {
		t.next = &answer[T]{there: make(chan struct{})}
	}
	mine := t.next
	if !t.asking {
		t.asking = true
		go t.askAll(question)
	}
	t.mu.Unlock()
	select {
	case <-mine.there:
		return mine.value, mine.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// askAll asks until nobody waits.
func (t *together[T]) askAll(question func(context.Context) (T, error)) {
	for {
		t.mu.Lock()
		next := t.next
		t.next, t.asking = nil, next != nil
		t.mu.Unlock()
		if next == nil {
			return
		}
		// It is asked for several, and outlives each.
		ctx, cancel := context.WithTimeout(context.Background(), askingTime)
		next.value, next.err = question(ctx)
		cancel()
		close(next.there)
	}
}
