package consumer

import (
	"strconv"
	"testing"
	"time"

	"go.uber.org/zap"
)

// A webhook off the live path has its backlog woken by the first event that is left to that, and then ever more rarely; again at
// first where another range is open.
func TestWakesOfWhatIsOffTheLivePath(t *testing.T) {
	t.Parallel()
	w, now := newWakes(nil, zap.NewNop()), time.Now()
	woken := func(id string, span time.Duration) (n int) {
		for end := now.Add(span); now.Before(end); now = now.Add(100 * time.Millisecond) {
			if w.due("a.1", id, now) {
				n++
			}
		}
		return n
	}
	if n := woken("r1", time.Second); n != 1 {
		t.Errorf("%d times in the first second", n)
	}
	if n := woken("r1", time.Hour); n < 8 || n > 14 {
		t.Errorf("%d times in an hour", n)
	}
	if n := woken("r2", time.Second); n != 1 {
		t.Errorf("%d times in the first second of another range", n)
	}
	now = now.Add(2 * longestWake)
	if n := woken("r2", 100*time.Millisecond); n != 1 {
		t.Errorf("%d times after a silence", n)
	}
	for i := range 2 * maxPassed {
		w.due("b."+strconv.Itoa(i), "r1", now)
	}
	if len(w.passed) > maxPassed {
		t.Errorf("it is known of %d webhooks when they were woken", len(w.passed))
	}
}
