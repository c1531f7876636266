package replay

import (
	"errors"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

func TestRedeliver(t *testing.T) {
	b, ctx := setup(t, 10), t.Context()
	if _, err := event.Publish(ctx, b.broker.JetStream, "other", optin, "", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint64]error{3: nil, 11: ErrForeign, 12: ErrDropped} {
		if err := b.Redeliver(ctx, b.key, seq); !errors.Is(err, want) {
			t.Errorf("redeliver %d: %v, want %v", seq, err, want)
		}
	}
	r, _, err := b.store.Load(ctx, b.key)
	if err != nil || len(r.Pending) != 1 || !r.Pending[0].Is(b.at(3)) || !r.Pending[0].Replay {
		t.Errorf("the record is %+v, %v", r, err)
	}
	if s := b.status(); s.State != Lagging || s.Lag != 1 {
		t.Errorf("it is %+v", s)
	}
	if a, err := b.Why(ctx, b.webhook(), 3, nil); err != nil || a.Reason != Waits {
		t.Errorf("why: %+v, %v", a, err)
	}
	if a, err := b.Why(ctx, b.webhook(), 4, nil); err != nil || a.Reason != Settled {
		t.Errorf("why: %+v, %v", a, err)
	}
	b.deactivate(b.at(1).Time)
	if err := b.Redeliver(ctx, b.key, 3); !errors.Is(err, ErrInactive) {
		t.Errorf("of an inactive webhook: %v", err)
	}
	if a, err := b.Why(ctx, b.webhook(), 3, nil); err != nil || a.Reason != Held {
		t.Errorf("why: %+v, %v", a, err)
	}
}

func TestReplay(t *testing.T) {
	b, ctx := setup(t, 30), t.Context()
	from, to := b.at(11).Time, b.at(21).Time
	done, err := b.Replay(ctx, b.key, from, to)
	if err != nil || done.Events != 10 || !done.Kept.IsZero() {
		t.Errorf("replayed %+v, %v", done, err)
	}
	if s := b.status(); s.Replay == nil || s.Replay.Total != 10 || s.Replay.Done != 0 || s.Cursor != 11 {
		t.Errorf("it is %+v", s)
	}
	b.change(func(r *backlog.Record) error { r.Spans[0].Cursor = 15; return nil })
	if s := b.status(); s.Replay == nil || s.Replay.Done != 4 || s.Lag != 6 {
		t.Errorf("it is %+v", s)
	}
	if done, err := b.Replay(ctx, b.key, to.Add(hour), to.Add(2*hour)); err != nil || done.Events != 0 {
		t.Errorf("a period without events: %+v, %v", done, err)
	}
}

// After the stream went back, what it has below the cursor of a span is still to come.
func TestWhyAndLagKnowThatACursorGoesBack(t *testing.T) {
	b, ctx := setup(t, 10), t.Context()
	open := func(anchor event.Position) {
		t.Helper()
		if _, err := b.registry.Update(ctx, b.key, func(w *registry.Webhook) error { w.Ranges = nil; return w.OpenRange("range", 3, 0) }); err != nil {
			t.Fatal(err)
		}
		b.change(func(r *backlog.Record) error {
			r.State, r.Spans = backlog.CatchingUp, []backlog.Span{{ID: "range", From: 3, Cursor: 9, Anchor: anchor}}
			return nil
		})
	}
	for name, c := range map[string]struct {
		anchor event.Position
		lag    uint64
		want   map[uint64]Reason
	}{
		"it is there":               {b.at(8), 2, map[uint64]Reason{2: Settled, 4: Settled, 9: Queued}},
		"another one is there":      {event.Position{Seq: 8, Time: b.at(5).Time}, 5, map[uint64]Reason{5: Settled, 6: Queued, 8: Queued}},
		"it is beyond the end":      {event.Position{Seq: 12, Time: b.at(6).Time}, 4, map[uint64]Reason{6: Settled, 7: Queued}},
		"it was before the span's":  {event.Position{Seq: 8, Time: b.at(1).Time}, 8, map[uint64]Reason{2: Settled, 3: Queued}},
		"it is later than the last": {event.Position{Seq: 8, Time: b.at(10).Time.Add(time.Hour)}, 2, map[uint64]Reason{8: Settled, 9: Queued}},
	} {
		open(c.anchor)
		if s := b.status(); s.Lag != c.lag {
			t.Errorf("%s: %d events behind, want %d", name, s.Lag, c.lag)
		}
		for seq, want := range c.want {
			if a, err := b.Why(ctx, b.webhook(), seq, nil); err != nil || a.Reason != want {
				t.Errorf("%s: why %d: %+v, %v, want %s", name, seq, a, err, want)
			}
		}
	}
}

// After the stream went back, the attempt log has attempts of events whose sequences others bear: they say nothing of these.
func TestWhyKnowsWhoseAttemptsTheLogHas(t *testing.T) {
	b, ctx := setup(t, 5), t.Context()
	tried := func(published time.Time, outcome delivery.Outcome) []delivery.Entry {
		return []delivery.Entry{{Attempt: delivery.Attempt{Seq: 4, Published: published, Number: 1, At: published, Outcome: outcome, Error: "status 500"}}}
	}
	here := b.at(4).Time
	for name, c := range map[string]struct {
		entries []delivery.Entry
		want    Reason
	}{
		"its own delivery":       {tried(here, delivery.Delivered), Delivered},
		"another one's delivery": {tried(here.Add(-time.Minute), delivery.Delivered), Settled},
		"another one's failure":  {tried(here.Add(-time.Minute), delivery.Status), Settled},
		"of a version before":    {tried(time.Time{}, delivery.Delivered), Delivered},
	} {
		if a, err := b.Why(ctx, b.webhook(), 4, c.entries); err != nil || a.Reason != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, a, err, c.want)
		}
	}
}
