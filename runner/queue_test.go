package runner

import (
	"fmt"
	"slices"
	"testing"
)

// An account whose backlogs want all places leaves some, and whoever has few is next.
func TestAnAccountLeavesPlaces(t *testing.T) {
	t.Parallel()
	q := newQueue(100)
	for i := range 20_000 {
		q.add(fmt.Sprintf("busy.%d", i))
	}
	begun := 0
	for _, ok := q.next(); ok; _, ok = q.next() {
		begun++
	}
	if begun < 50 || begun > 51 {
		t.Errorf("one account has %d of 100 places", begun)
	}
	q.add("quiet.1")
	if key, ok := q.next(); key != "quiet.1" {
		t.Errorf("behind 20,000 of another account comes %q, %v", key, ok)
	}
	if key, ok := q.next(); ok {
		t.Errorf("an account with its share gets %q as well", key)
	}
	// Many that want all get as much each.
	for account := range 9 {
		for i := range 100 {
			q.add(fmt.Sprintf("%d.%d", account, i))
		}
	}
	for i := range 51 {
		q.ended(fmt.Sprintf("busy.%d", i))
	}
	for _, ok := q.next(); ok; _, ok = q.next() {
	}
	for account, of := range q.accounts {
		if account != "quiet" && (of.running < 8 || of.running > 12) {
			t.Errorf("of ten, %s has %d of 100 places", account, of.running)
		}
	}
}

// A backlog is here once, and one that is woken while it runs runs once more.
func TestABacklogIsHereOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(2)
	q.add("a.1")
	q.add("a.1")
	if key, ok := q.next(); key != "a.1" || !ok {
		t.Errorf("first comes %q, %v", key, ok)
	}
	if key, ok := q.next(); ok {
		t.Errorf("then comes %q", key)
	}
	q.add("a.1")
	q.add("a.1")
	q.ended("a.1")
	if key, ok := q.next(); key != "a.1" || !ok {
		t.Errorf("woken while it ran comes %q, %v", key, ok)
	}
	q.ended("a.1")
	q.add("a.2")
	q.add("b.1")
	if left := q.leave(); !slices.Equal(left, []string{"a.2", "b.1"}) || len(q.keys) > 0 || q.free != 2 {
		t.Errorf("at the end %v wait, and %d are known", left, len(q.keys))
	}
	if key, ok := q.next(); ok {
		t.Errorf("after the end comes %q", key)
	}
}
