package broker

import (
	"testing"
	"time"
)

// at is a time so many seconds after the first.
func at(seconds int64) time.Time { return time.Unix(1000+seconds, 0).UTC() }

func TestLossesAreOneEach(t *testing.T) {
	t.Parallel()
	first := Loss{From: at(10), To: at(20), Events: 5, Found: at(100)}
	for name, test := range map[string]struct {
		told  bool
		found Loss
		want  []Loss
	}{
		"another process was handed out more": {false, Loss{From: at(10), To: at(22), Events: 7, Found: at(103)}, []Loss{{From: at(10), To: at(22), Events: 7, Found: at(100)}}},
		"another one less":                    {false, Loss{From: at(10), To: at(15), Events: 3, Found: at(103)}, []Loss{first}},
		"an event that waited, of before":     {false, Loss{From: at(5), To: at(5), Events: 1, Found: at(103)}, []Loss{{From: at(5), To: at(20), Events: 6, Found: at(100)}}},
		"people were told":                    {true, Loss{From: at(10), To: at(22), Events: 7, Found: at(200)}, []Loss{{From: at(10), To: at(20), Events: 5, Found: at(100), Told: true}}},
		"of something else, later": {
			true, Loss{From: at(5), To: at(5), Events: 1, Found: at(200)},
			[]Loss{{From: at(10), To: at(20), Events: 5, Found: at(100), Told: true}, {From: at(5), To: at(5), Events: 1, Found: at(200)}},
		},
		"the stream goes back once more": {
			false, Loss{From: at(10), To: at(150), Events: 9, Found: at(200)}, []Loss{first, {From: at(10), To: at(150), Events: 9, Found: at(200)}},
		},
	} {
		known := first
		known.Told = test.told
		l := losses{Losses: []Loss{known}}
		l.add(test.found)
		if len(l.Losses) != len(test.want) {
			t.Errorf("%s: %+v", name, l.Losses)
			continue
		}
		for i, want := range test.want {
			if l.Losses[i] != want {
				t.Errorf("%s: %+v, want %+v", name, l.Losses[i], want)
			}
		}
	}
	var many losses
	for i := range int64(2 * lossesKept) {
		many.add(Loss{To: at(10 * i), Found: at(10*i + 1), Events: 1})
	}
	if len(many.Losses) != lossesKept || !many.Losses[lossesKept-1].To.Equal(at(10*(2*lossesKept-1))) {
		t.Errorf("%d losses are kept", len(many.Losses))
	}
}

// What a stream lost that went back is noted with its number and times, once for all processes.
func TestLostEventsAreNoted(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	take(t, b, 10)
	last, err := b.positionOf(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.JetStream.DeleteStream(t.Context(), streamEvents); err != nil {
		t.Fatal(err)
	}
	take(t, b, 1)
	publish(t, b, 11, 13)
	expect(t, "what came after", take(t, b, 10), "[11 12]")
	for range 2 { // another process looks, or this one after a restart
		b.doubt()
		if _, err := b.check(); err != nil {
			t.Fatal(err)
		}
	}
	l, _, err := b.loadLosses(t.Context())
	if err != nil || len(l.Losses) != 1 {
		t.Fatalf("the losses are %+v, %v", l, err)
	}
	if got := l.Losses[0]; got.Events != 10 || !got.To.Equal(last.Time) || !got.From.IsZero() || got.Told {
		t.Errorf("lost is %+v, want 10 events up to %v", got, last.Time)
	}
	if untold, err := b.Untold(t.Context()); err != nil || len(untold) != 0 {
		t.Errorf("people would be told at once: %+v, %v", untold, err)
	}
	if err := b.Told(t.Context(), l.Losses[0]); err != nil {
		t.Fatal(err)
	}
	if l, _, err = b.loadLosses(t.Context()); err != nil || !l.Losses[0].Told {
		t.Errorf("people were told: %+v, %v", l, err)
	}
}
