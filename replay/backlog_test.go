package replay

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	policy = delivery.Backoff{Initial: time.Second, Max: time.Minute}
)

func attempt(seq uint64, outcome delivery.Outcome, at time.Time) delivery.Attempt {
	return delivery.Attempt{Seq: seq, Number: 1, Outcome: outcome, At: at, Error: string(outcome)}
}

func TestCover(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		attempt delivery.Attempt
		streak  int
		pending int
		retries int
		want    bool
		gone    bool
		failing bool
	}{
		{name: "unreachable", attempt: attempt(7, delivery.Refused, noon), pending: 1, want: true, failing: true},
		{name: "unavailable", attempt: attempt(7, delivery.Unavailable, noon), pending: 1, want: true, failing: true},
		{name: "slow", attempt: attempt(7, delivery.Slow, noon), pending: 1, want: true},
		{name: "slow, without an event", attempt: attempt(0, delivery.Slow, noon), want: true},
		{name: "rejected", attempt: attempt(7, delivery.Status, noon), streak: 1, retries: 1},
		{name: "rejected, the tenth in a row", attempt: attempt(7, delivery.Status, noon), streak: 10, retries: 1, want: true, failing: true},
		{name: "gone", attempt: attempt(7, delivery.Gone, noon), pending: 1, want: true, gone: true, failing: true},
		{name: "cut by our stop", attempt: attempt(7, delivery.Aborted, noon), pending: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b Backlog
			b.cover(tt.attempt, tt.streak, policy)
			b.cover(tt.attempt, tt.streak, policy) // once more: it is one event all the same
			if len(b.Pending) != tt.pending || len(b.Retries) != tt.retries || b.Want != tt.want || b.Gone != tt.gone || b.Health.Failing() != tt.failing {
				t.Errorf("backlog %+v", b)
			}
			if b.Health.Attempts > 1 {
				t.Errorf("two failures at once count %d times", b.Health.Attempts)
			}
		})
	}
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	var b Backlog
	for seq := range uint64(maxRetries + 50) {
		b.cover(attempt(seq+1, delivery.Status, noon), 1, policy)
	}
	if len(b.Retries) != maxRetries || len(b.Pending) != 50 || !b.Want {
		t.Errorf("%d retries, %d pending, want open %v", len(b.Retries), len(b.Pending), b.Want)
	}
	if got := slices.Collect(b.waiting()); len(got) != maxRetries+50 || !slices.IsSorted(got) {
		t.Errorf("%d events wait, sorted %v", len(got), slices.IsSorted(got))
	}
	for seq := range uint64(maxRetries + 50) {
		b.settle(seq + 1)
	}
	if len(b.Retries) != 0 || len(b.Pending) != 0 {
		t.Errorf("after all are settled: %d retries, %d pending", len(b.Retries), len(b.Pending))
	}
}

func TestActivate(t *testing.T) {
	t.Parallel()
	start := func() Backlog {
		return Backlog{
			Pending: Pending{{Seq: 10, Attempts: 3}}, Retries: []Retry{{Seq: 12, Attempts: 4, Next: noon}},
			Spans:  []Span{{Next: 20, To: 30}, {From: 40, Next: 50}},
			Parked: true, Health: registry.Health{Attempts: 12, Since: noon, Last: "refused"}, Next: noon,
		}
	}
	tests := []struct {
		name       string
		activation registry.Activation
		pending    int
		spans      []Span
	}{
		{"replay within the window", registry.Activation{Replay: true, Until: event.End{Seq: 90}, From: event.End{Seq: 90}}, 1, []Span{{Next: 20, To: 30}, {From: 40, Next: 50}}},
		{"replay after the window", registry.Activation{Replay: true, Until: event.End{Seq: 70}, From: event.End{Seq: 90}}, 1, []Span{{Next: 20, To: 30}, {Next: 50, To: 70}, {From: 40, Next: 90}}},
		{"replay, and the window ended before the span", registry.Activation{Replay: true, Until: event.End{Seq: 45}, From: event.End{Seq: 90}}, 1, []Span{{Next: 20, To: 30}, {From: 40, Next: 90}}},
		{"without a replay", registry.Activation{Until: event.End{Seq: 70}, From: event.End{Seq: 90}}, 0, []Span{{From: 40, Next: 90}}},
		{"at once, before the span begins", registry.Activation{Replay: true, Until: event.End{Seq: 45}, From: event.End{Seq: 45}}, 1, []Span{{Next: 20, To: 30}, {From: 40, Next: 50}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := start()
			tt.activation.At = noon.Add(time.Hour)
			b.activate(tt.activation)
			once := b
			b.activate(tt.activation)
			if !reflect.DeepEqual(b, once) {
				t.Errorf("activated twice: %+v, once: %+v", b, once)
			}
			if len(b.Pending) != tt.pending || !slices.Equal(b.Spans, tt.spans) || b.Parked || b.Health.Failing() || !b.Next.IsZero() {
				t.Errorf("backlog %+v, want spans %+v", b, tt.spans)
			}
		})
	}
}

func TestWake(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		b     Backlog
		at    time.Time
		never bool
	}{
		{"pending", Backlog{Pending: Pending{{Seq: 1}}}, time.Time{}, false},
		{"pending, the endpoint fails", Backlog{Pending: Pending{{Seq: 1}}, Next: noon}, noon, false},
		{"a range is due, the endpoint fails", Backlog{Pending: Pending{{Seq: 1}}, Next: noon, Want: true}, time.Time{}, false},
		{"retries alone", Backlog{Retries: []Retry{{Seq: 1, Next: noon.Add(time.Hour)}, {Seq: 2, Next: noon}}}, noon, false},
		{"retries alone, the endpoint fails for longer", Backlog{Retries: []Retry{{Seq: 1, Next: noon}}, Next: noon.Add(time.Minute)}, noon.Add(time.Minute), false},
		{"inactive", Backlog{Parked: true, Spans: []Span{{From: 1, Next: 1}}}, time.Time{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if at, never := tt.b.wake(); !at.Equal(tt.at) || never != tt.never {
				t.Errorf("wake at %v, never %v; want %v, %v", at, never, tt.at, tt.never)
			}
		})
	}
}

func TestChangesKeepWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	var c changes
	c.succeeded(attempt(1, delivery.Delivered, noon))
	c.rejected(attempt(2, delivery.Status, noon), policy)
	c.held(attempt(3, delivery.Refused, noon))
	c.failed(attempt(3, delivery.Refused, noon))
	c.positions = []Span{{From: 40, Next: 60}}
	// Meanwhile the live path has handed over event 4, and wants a range.
	b := Backlog{Pending: Pending{{Seq: 1}, {Seq: 2}, {Seq: 4}}, Spans: []Span{{Next: 20, To: 30}, {From: 40, Next: 50}}}
	c.apply(&b, policy)
	if got := slices.Collect(b.waiting()); !slices.Equal(got, []uint64{2, 3, 4}) {
		t.Errorf("waiting %v, want 2, 3, 4", got)
	}
	if want := []Span{{Next: 20, To: 30}, {From: 40, Next: 60}}; !slices.Equal(b.Spans, want) {
		t.Errorf("spans %v, want %v", b.Spans, want)
	}
	if b.Health.Attempts != 1 || !b.Next.After(noon) {
		t.Errorf("health %+v, next %v", b.Health, b.Next)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode                Deactivate
		gone, spent, outage bool
		want                verdict
	}{
		{On, false, false, false, carryOn},
		{On, false, true, false, deactivate},
		{On, true, false, false, deactivate},
		{On, false, true, true, blameUs},
		{On, true, false, true, deactivate}, // it answered, so it was reached
		{Observe, false, true, false, observe},
		{Observe, true, false, false, observe},
		{Off, false, true, false, carryOn},
		{Off, true, true, false, carryOn},
	}
	for _, tt := range tests {
		if got := judge(tt.mode, tt.gone, tt.spent, tt.outage); got != tt.want {
			t.Errorf("judge(%s, gone %v, spent %v, outage %v) = %v, want %v", tt.mode, tt.gone, tt.spent, tt.outage, got, tt.want)
		}
	}
}

func TestRecordOfANewerVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	if _, err := decode("demo.1", []byte(`{"v":2,"pending":17}`)); !errors.Is(err, record.ErrNewer) {
		t.Errorf("error %v, want %v", err, record.ErrNewer)
	}
	if _, err := decode("demo.1", []byte(`{"v":1,"pending":17}`)); err == nil {
		t.Error("a record that cannot be read was read")
	}
}

func TestRecordForm(t *testing.T) {
	t.Parallel()
	b := Backlog{
		Version: 1, Pending: Pending{{Seq: 3, Attempts: 1}}, Spans: []Span{{From: 5, Next: 6}},
		Retries: []Retry{{Seq: 2, Attempts: 1, Since: noon, Next: noon, Error: "the endpoint answered 500"}},
	}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"v":1,"pending":"AwE","retries":[{"seq":2,"attempts":1,"since":"2026-03-01T12:00:00Z","next":"2026-03-01T12:00:00Z","error":"the endpoint answered 500"}],"spans":[{"from":5,"next":6}]}`
	if string(data) != want {
		t.Errorf("the record is\n%s\nwant\n%s", data, want)
	}
}
