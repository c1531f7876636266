package slots

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What waits for its endpoint does not keep others from beginning, however many there are, up to the total.
func TestSlotsGrowWhileAttemptsWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const perKey, total, keys = 4, 3*eager + 1, eager
		s := New(perKey, total)
		answer := make(chan struct{})
		var under, most, ended atomic.Int64
		for i := range keys * perKey * 2 {
			s.Go(fmt.Sprint(i%keys), 0, func() {
				most.Store(max(most.Load(), under.Add(1)))
				<-answer
				under.Add(-1)
				ended.Add(1)
			})
		}
		synctest.Wait()
		// The last ones are left for who has none.
		if n := under.Load(); n > total || n < total-2*perKey {
			t.Errorf("%d are under way, want about %d", n, total)
		}
		if n := s.keys["0"].taken; n < 1 || n > perKey || s.Full("0") != (n == perKey) || s.Full("nobody") {
			t.Errorf("%d of one key are under way, full: %v", n, s.Full("0"))
		}
		close(answer)
		synctest.Wait()
		if ended.Load() != keys*perKey*2 || most.Load() > total {
			t.Errorf("%d have ended, %d at most were under way", ended.Load(), most.Load())
		}
		if n := s.young(time.Now()); n != 0 {
			t.Errorf("%d began lately and are under way, after all have ended", n)
		}
		if len(s.keys) != 0 || len(s.owners) != 0 || len(s.ready) != 0 || s.taken != 0 || s.growing {
			t.Errorf("something is left: %+v", s)
		}
	})
}

// What hangs does not keep others from beginning at once, nor does it count for long.
func TestSlotsForgetWhatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(eager, 8192)
		hung := make(chan struct{})
		for range eager {
			s.Go("hangs", 0, func() { <-hung })
		}
		if n := s.young(time.Now()); n != eager {
			t.Errorf("%d began lately, want %d", n, eager)
		}
		time.Sleep(2 * turn)
		s.Go("one", 0, func() { <-hung })
		if n := s.young(time.Now()); n != 1 || s.growing {
			t.Errorf("%d began lately, want 1; growing: %v", n, s.growing)
		}
		close(hung)
		synctest.Wait()
		if s.lately != [2]int{} || s.taken != 0 {
			t.Errorf("something is left: %+v", s)
		}
	})
}

// Whatever an owner has that hangs, others find room, and so do its own other keys.
func TestWhatHangsLeavesRoom(t *testing.T) {
	t.Parallel()
	for _, hanging := range []int{1, 6, 100} {
		synctest.Test(t, func(t *testing.T) {
			const total, owners = 8192, 5
			s := New(total, total)
			hung := make(chan struct{})
			var begun sync.Map
			for owner := range owners {
				for range total/hanging + 1 {
					for key := range hanging {
						s.Go(fmt.Sprintf("o%d.%d", owner, key), 0, func() { <-hung })
					}
				}
				own, other := fmt.Sprintf("o%d.well", owner), fmt.Sprintf("well%d.1", owner)
				for _, key := range []string{own, other} {
					s.Go(key, 0, func() { begun.Store(key, true) })
				}
				synctest.Wait()
				for _, key := range []string{own, other} {
					if _, ok := begun.Load(key); !ok {
						t.Errorf("beside %d owners with %d keys that hang, %s does not begin", owner+1, hanging, key)
					}
				}
			}
			close(hung)
			synctest.Wait()
			if s.taken != 0 || len(s.owners) != 0 || len(s.ready) != 0 {
				t.Errorf("something is left: %d slots, %d owners", s.taken, len(s.owners))
			}
		})
	}
}

// Many owners whose endpoints hang, one after the other, leave room for whoever comes; one whose attempts end has its share beside them.
func TestManyOwnersThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total, owners = 8192, 12
		s := New(total, total)
		hung := make(chan struct{})
		for owner := range owners {
			for range total {
				s.Go(fmt.Sprintf("o%d.1", owner), 0, func() { <-hung })
			}
			synctest.Wait()
			time.Sleep(time.Minute)
		}
		free := total - s.taken
		if least := total / 8; free < least {
			t.Fatalf("beside %d owners that hang, %d slots are free, fewer than %d", owners, free, least)
		}
		// What ends soon shows that it does: then more than few are under way.
		var begun atomic.Int64
		begin, end := make(chan struct{}), make(chan struct{})
		for range 10 {
			s.Go("well.1", 0, func() { <-begin })
		}
		for range total {
			s.Go("well.1", 0, func() { begun.Add(1); <-end })
		}
		close(begin)
		synctest.Wait()
		if n := int(begun.Load()); n < free/3 {
			t.Errorf("%d begin of whoever is well, where %d slots are free", n, free)
		}
		close(hung)
		close(end)
		synctest.Wait()
		if s.taken != 0 || len(s.owners) != 0 || len(s.ready) != 0 {
			t.Errorf("something is left: %d slots, %d owners", s.taken, len(s.owners))
		}
	})
}

// Keys of one owner, and owners, take turns where there is room for one at a time.
func TestTurns(t *testing.T) {
	t.Parallel()
	s := New(8, 1)
	var wg sync.WaitGroup
	var order []string
	begin := make(chan struct{})
	wg.Add(1)
	s.Go("first.1", 1, func() { defer wg.Done(); <-begin })
	for _, key := range []string{"a.1", "a.1", "a.2", "b.1"} {
		wg.Add(1)
		s.Go(key, 0, func() { defer wg.Done(); order = append(order, key) })
	}
	close(begin)
	wg.Wait()
	if got := strings.Join(order, " "); got != "a.1 b.1 a.2 a.1" {
		t.Errorf("the order is %s", got)
	}
}

// A key's work begins in the order in which it came, one at a time if its limit is one.
func TestSlotsKeepAKeysOrder(t *testing.T) {
	t.Parallel()
	const count = 2000
	s := New(8, 1)
	var wg sync.WaitGroup
	var order []int
	for i := range count {
		wg.Add(1)
		s.Go("one", 1, func() {
			defer wg.Done()
			order = append(order, i)
		})
	}
	wg.Wait()
	for i, n := range order {
		if i != n {
			t.Fatalf("%d came at place %d", n, i)
		}
	}
}

// BenchmarkSlots is what a slot costs an attempt.
func BenchmarkSlots(b *testing.B) {
	s := New(32, 8192)
	b.ReportAllocs()
	var wg sync.WaitGroup
	for b.Loop() {
		wg.Add(1)
		s.Go("one", 0, wg.Done)
	}
	wg.Wait()
}
