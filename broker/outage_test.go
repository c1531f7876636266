package broker

import (
	"testing"
	"time"
)

// What several processes see at about the same time is one outage, of which people are told once. It is over once none has seen it
// for a while, or who saw it says so.
func TestAnOutageOfOurOwnNetwork(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx := t.Context()
	lasts := func(want bool) (since time.Time) {
		t.Helper()
		o, lasts, err := b.Outage(ctx)
		if err != nil || lasts != want {
			t.Errorf("it lasts %v, error %v", lasts, err)
		}
		return o.Since
	}
	lasts(false)
	if err := b.EndOutage(ctx); err != nil {
		t.Error(err)
	}
	first := b.Now().Add(-time.Minute)
	for _, since := range []time.Time{first.Add(time.Second), first, first.Add(2 * time.Second)} {
		if err := b.SeeOutage(ctx, since); err != nil {
			t.Fatal(err)
		}
	}
	if since := lasts(true); !since.Equal(first) {
		t.Errorf("it began at %s, not at %s", since, first)
	}
	o, _, err := b.Outage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.OutageTold(ctx, o); err != nil {
		t.Fatal(err)
	}
	if err := b.SeeOutage(ctx, first.Add(3*time.Second)); err != nil {
		t.Fatal(err)
	}
	if o, _, err := b.Outage(ctx); err != nil || !o.Told {
		t.Errorf("it is told anew: %+v, %v", o, err)
	}
	if err := b.EndOutage(ctx); err != nil {
		t.Fatal(err)
	}
	lasts(false)
	later := b.Now()
	if err := b.SeeOutage(ctx, later); err != nil {
		t.Fatal(err)
	}
	if o, _, err := b.Outage(ctx); err != nil || o.Told || !o.Since.Equal(later.UTC()) {
		t.Errorf("another one is %+v, %v", o, err)
	}
	o, _, err = b.Outage(ctx)
	if err != nil || !o.Lasts(o.Seen.Add(time.Minute)) || o.Lasts(o.Seen.Add(10*time.Minute)) || !o.Unended(o.Seen.Add(10*time.Minute)) ||
		o.Unended(o.Seen.Add(2*time.Hour)) {
		t.Errorf("it does not last as long as it is seen: %+v, %v", o, err)
	}
}
