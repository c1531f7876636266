package broker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// All who ask while a question is under way get the answer to the next one, which is asked once.
func TestManyAskTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var both together[int64]
		var asked atomic.Int64
		question := func(context.Context) (int64, error) {
			n := asked.Add(1)
			time.Sleep(time.Second)
			return n, nil
		}
		var all sync.WaitGroup
		all.Go(func() {
			if n, err := both.ask(t.Context(), question); n != 1 || err != nil {
				t.Errorf("the first one is answered %d, %v", n, err)
			}
		})
		time.Sleep(time.Millisecond)
		for range 1000 {
			all.Go(func() {
				if n, err := both.ask(t.Context(), question); n != 2 || err != nil {
					t.Errorf("who asks meanwhile is answered %d, %v: want what was asked later", n, err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 2 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

// Whoever has no more time gets no answer, and the others theirs; an error is everybody's.
func TestOneWhoAsksTogetherGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var both together[int]
		wrong := errors.New("wrong")
		question := func(context.Context) (int, error) { time.Sleep(time.Second); return 0, wrong }
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := both.ask(short, question); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after its time one is answered %v", err)
		}
		if _, err := both.ask(t.Context(), question); !errors.Is(err, wrong) {
			t.Errorf("the other one is answered %v", err)
		}
	})
}
