package registry

import "testing"

// A change wakes those who wait for it or for an earlier one, and nobody else.
func TestAChangeWakesWhomItConcerns(t *testing.T) {
	t.Parallel()
	var w waiters
	for _, revision := range []uint64{5, 3, 9, 7, 3} {
		w.add(revision)
	}
	seven, nine := w.add(7), w.add(9)
	w.reached(7)
	select {
	case <-seven:
	default:
		t.Error("who waits for the revision is not woken")
	}
	select {
	case <-nine:
		t.Error("who waits for a later revision is woken")
	default:
	}
	if len(w) != 2 {
		t.Errorf("%d wait, want the two of revision 9", len(w))
	}
	w.wake()
	<-nine
	if len(w) != 0 {
		t.Errorf("%d wait after all were woken", len(w))
	}
}
