package replay

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

func TestReplayAddsWhatNoSpanHas(t *testing.T) {
	t.Parallel()
	spans := []Span{{Next: 20, To: 30}, {From: 40, Next: 50}}
	for _, tt := range []struct {
		name     string
		have     []Span
		from, to uint64
		want     []Span
	}{
		{"nothing else", nil, 5, 10, []Span{{Next: 5, To: 10, Replay: 7}}},
		{"before", spans, 5, 10, []Span{{Next: 5, To: 10, Replay: 7}, spans[0], spans[1]}},
		{"around", spans, 5, 35, []Span{{Next: 5, To: 20, Replay: 7}, spans[0], {Next: 30, To: 35, Replay: 7}, spans[1]}},
		{"within", spans, 22, 28, spans},
		{"into the open one", spans, 25, 60, []Span{spans[0], {Next: 30, To: 50, Replay: 7}, spans[1]}},
		{"what the open one has", spans, 55, 60, spans},
		{"what the open one is past", spans, 42, 45, []Span{spans[0], {Next: 42, To: 45, Replay: 7}, spans[1]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := Backlog{Spans: slices.Clone(tt.have)}
			if err := b.replay(7, tt.from, tt.to); err != nil || !slices.Equal(b.Spans, tt.want) {
				t.Errorf("spans %+v, %v; want %+v", b.Spans, err, tt.want)
			}
			for i, s := range b.Spans {
				if i > 0 && orEnd(b.Spans[i-1].To) > s.Next || s.Open() && i < len(b.Spans)-1 {
					t.Errorf("the spans %+v are not in order", b.Spans)
				}
			}
		})
	}
	var b Backlog
	for i := range uint64(maxSpans) {
		if err := b.replay(int64(i+1), 10*i+1, 10*i+5); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.replay(99, 5000, 5001); !errors.Is(err, ErrCrowded) || len(b.Spans) != maxSpans {
		t.Errorf("one more than there is room for: %v, %d spans", err, len(b.Spans))
	}
}

// What a runner knows of a span that is done must not touch a later replay of the same part.
func TestPositionsAreThoseOfTheirReplay(t *testing.T) {
	t.Parallel()
	c := changes{positions: []Span{{Next: 50, To: 50, Replay: 7}}}
	b := Backlog{Spans: []Span{{Next: 10, To: 50, Replay: 8}}}
	c.apply(&b, policy)
	if len(b.Spans) != 1 || b.Spans[0].Next != 10 {
		t.Errorf("spans %+v", b.Spans)
	}
}

func TestRedeliver(t *testing.T) {
	t.Parallel()
	b := Backlog{
		Retries: []Retry{{Seq: 3, Attempts: 4, Next: noon}}, Spans: []Span{{From: 40, Next: 50}}, Next: noon.Add(time.Hour),
	}
	if err := b.redeliver(55); !errors.Is(err, ErrOnTheWay) || b.Next.IsZero() {
		t.Errorf("what a span has: %v", err)
	}
	for _, seq := range []uint64{3, 45} {
		if err := b.redeliver(seq); err != nil || !b.again(seq) {
			t.Errorf("redeliver %d: %v, %+v", seq, err, b)
		}
	}
	if at, never := b.wake(); !at.IsZero() || never || !b.Retries[0].Next.IsZero() || len(b.Pending) != 1 {
		t.Errorf("it waits until %v: %+v", at, b)
	}
	// A failure keeps the mark, being done with takes it away.
	failed := attempt(45, delivery.Status, noon)
	failed.Replay = true
	b.reject(failed, policy)
	if !b.again(45) || len(b.Retries) != 2 {
		t.Errorf("after a rejection: %+v", b)
	}
	b.settle(3)
	b.settle(45)
	if len(b.Again) != 0 || len(b.Retries) != 0 {
		t.Errorf("after both are done: %+v", b)
	}
}
