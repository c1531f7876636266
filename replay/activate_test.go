package replay

import (
	"errors"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/record"
)

// An activation with a replay of events that wait by themselves and in a span counts what it sends, and asks NATS little.
func TestActivate(t *testing.T) {
	for name, tt := range map[string]struct {
		// deactivated is when, by the time of the event of that sequence and a distance.
		seq      uint64
		distance time.Duration
		replay   bool
		events   uint64
	}{
		"inside the replay window": {1, 0, true, 100},
		"beyond it":                {51, -hour, true, 50},
		"without a replay":         {51, -hour, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, 100)
			b.deactivate(b.at(tt.seq).Time.Add(tt.distance))
			if s := b.status(); s.State != Inactive || s.Lag != 100 || tt.replay && s.Buffered != tt.events {
				t.Errorf("it is %+v", s)
			}
			conn := b.broker.JetStream.Conn()
			before := conn.Stats().OutMsgs
			done, err := b.Activate(t.Context(), b.key, tt.replay)
			if trips := conn.Stats().OutMsgs - before; trips == 0 || trips > 10 {
				t.Errorf("an activation is %d round trips to NATS", trips)
			}
			if err != nil || done.Events != tt.events || !done.Webhook.Active || done.Status.Lag != tt.events {
				t.Errorf("activated %+v, %v", done, err)
			}
			if p := done.Status.Replay; tt.replay && (p == nil || p.Total != tt.events || p.Done != 0) {
				t.Errorf("the replay is %+v", p)
			}
			r, _, err := b.store.Load(t.Context(), b.key)
			if err != nil || r.State != backlog.CatchingUp || !r.Follows.Equal(done.Webhook.Activation.At) {
				t.Errorf("its record is %+v, %v", r, err)
			}
			// Again changes nothing.
			if again, err := b.Activate(t.Context(), b.key, true); err != nil || again.Events != 0 || again.Webhook.Revision != done.Webhook.Revision {
				t.Errorf("activated again %+v, %v", again, err)
			}
		})
	}
}

// One is activated after a certain deactivation only, and one whose record is gone from where its range begins.
func TestActivateAfter(t *testing.T) {
	b := setup(t, 20)
	at := b.at(1).Time
	b.deactivate(at)
	if _, err := b.ActivateAfter(t.Context(), b.key, at.Add(-time.Second), true); !errors.Is(err, ErrOver) {
		t.Errorf("another deactivation: %v", err)
	}
	if err := b.store.Remove(t.Context(), b.key); err != nil {
		t.Fatal(err)
	}
	if done, err := b.ActivateAfter(t.Context(), b.key, at, true); err != nil || done.Events != 10 {
		t.Errorf("activated %+v, %v", done, err)
	}
	if err := b.Delete(t.Context(), b.key); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Activate(t.Context(), b.key, true); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("a webhook that is deleted: %v", err)
	}
}
