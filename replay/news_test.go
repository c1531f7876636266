package replay

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

var telling = &Options{Mode: On, FailingAfter: 15 * time.Minute, Policy: registry.Policy{After: 24 * time.Hour, Attempts: 10}}

// kinds are what people are to be told of.
func kinds(b Backlog) []registry.NewsKind {
	var all []registry.NewsKind
	for _, n := range b.News {
		all = append(all, n.Kind)
	}
	return all
}

func TestAlarmOfAnEndpointThatFails(t *testing.T) {
	t.Parallel()
	var b Backlog
	b.cover(attempt(7, delivery.Refused, noon), 0, policy)
	for range 2 {
		b.watch(telling.FailingAfter)
		if want := noon.Add(15 * time.Minute); !b.Alarm.Equal(want) {
			t.Fatalf("the alarm is at %v, want %v", b.Alarm, want)
		}
	}
	early, due := b.Alarm.Add(-time.Nanosecond), b.Alarm
	b.announce(early, telling, false)
	b.announce(due, telling, true) // most endpoints fail
	if len(b.News) > 0 || !b.Alarm.Equal(due.Add(15*time.Minute)) {
		t.Fatalf("people are told %v, alarm %v", kinds(b), b.Alarm)
	}
	b.announce(b.Alarm, telling, false)
	b.watch(telling.FailingAfter)
	if n := b.News; len(n) != 1 || n[0].Kind != registry.NewsFailing || !n[0].Since.Equal(noon) || !n[0].Deactivation.Equal(noon.Add(24*time.Hour)) {
		t.Fatalf("people are told %+v", n)
	}
	if !b.Alarm.IsZero() || !b.Failing.Equal(noon) {
		t.Errorf("after people are told: alarm %v, failing since %v", b.Alarm, b.Failing)
	}
	b.settle(7)
	b.Want = false
	b.heal(noon.Add(time.Hour))
	b.heal(noon.Add(2 * time.Hour))
	want := []registry.NewsKind{registry.NewsFailing, registry.NewsRecovered}
	if got := kinds(b); !reflect.DeepEqual(got, want) || b.empty() {
		t.Errorf("people are told %v, empty %v; want %v in a record that stays", got, b.empty(), want)
	}
	if at, never := b.wake(); never || !at.IsZero() {
		t.Errorf("news wait until %v, %v", at, never)
	}
	b.News = nil
	if !b.empty() {
		t.Errorf("nothing is left, and the record stays: %+v", b)
	}
}

func TestShortFailureIsNotTold(t *testing.T) {
	t.Parallel()
	var b Backlog
	b.cover(attempt(7, delivery.Refused, noon), 0, policy)
	b.watch(telling.FailingAfter)
	b.settle(7)
	b.Want = false
	b.heal(noon.Add(time.Minute))
	b.watch(telling.FailingAfter)
	if len(b.News) > 0 || !b.Alarm.IsZero() || !b.empty() {
		t.Errorf("after a minute: %+v", b)
	}
}

func TestGivenUpEventsAreGrouped(t *testing.T) {
	t.Parallel()
	b := Backlog{Version: recordVersion}
	for _, seq := range []uint64{9, 4, 9} {
		b.reject(attempt(seq, delivery.Status, noon), policy)
		b.giveUp(Retry{Seq: seq, Attempts: 10, Error: "no"})
	}
	if len(b.Retries) > 0 || b.empty() {
		t.Fatalf("after two events were given up: %+v", b)
	}
	b.announce(noon, telling, false)
	if n := b.News; len(n) != 1 || n[0].Kind != registry.NewsExhausted || !reflect.DeepEqual(n[0].Seqs, []uint64{4, 9}) || n[0].Attempts != 10 || n[0].Reason != "no" {
		t.Fatalf("people are told %+v", n)
	}
	b.News = nil
	quiet := noon.Add(time.Hour)
	b.giveUp(Retry{Seq: 12, Attempts: 11, Error: "no"})
	if at, never := b.wake(); never || !at.Equal(quiet) {
		t.Errorf("it is looked at again at %v, %v; want %v", at, never, quiet)
	}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = decode("demo.1", data); err != nil {
		t.Fatal(err)
	}
	b.announce(quiet.Add(-1), telling, false)
	if len(b.News) > 0 || len(b.GivenUp.Seqs) != 1 {
		t.Errorf("within the hour: %+v", b)
	}
	b.announce(quiet, telling, false)
	if n := b.News; len(n) != 1 || !reflect.DeepEqual(n[0].Seqs, []uint64{12}) {
		t.Errorf("after the hour people are told %+v", n)
	}
	b.News = nil
	b.announce(quiet.Add(time.Hour), telling, false)
	if len(b.News) > 0 || !b.empty() {
		t.Errorf("an hour later there is still something: %+v", b)
	}
}

func TestHostIsSaidToBeThereAgainOnce(t *testing.T) {
	t.Parallel()
	end := noon.Add(5 * 24 * time.Hour)
	b := Backlog{Parked: true, Probe: Probe{Next: noon}}
	if at, never := b.wake(); never || !at.Equal(noon) {
		t.Errorf("the host is tried at %v, %v", at, never)
	}
	there := b
	there.probed(true, noon, end)
	if _, never := there.wake(); !never || len(there.News) > 0 {
		t.Errorf("a host that was there all along: %+v", there)
	}
	now := noon
	for range 12 {
		b.probed(false, now, end)
		if wait := b.Probe.Next.Sub(now); wait < 48*time.Second || wait > time.Hour {
			t.Errorf("the next try is in %v", wait)
		}
		now = b.Probe.Next
	}
	back := b
	back.probed(true, now, end)
	if got := kinds(back); !reflect.DeepEqual(got, []registry.NewsKind{registry.NewsReachable}) || !back.Probe.Next.IsZero() {
		t.Errorf("a host that is there again: %+v", back)
	}
	b.probed(false, end.Add(-time.Second), end)
	if _, never := b.wake(); !never {
		t.Errorf("the host is tried after the replay window: %+v", b.Probe)
	}
}
