package replay

import (
	"errors"
	"testing"
	"time"

	"github.com/saumer/saumer/record"
)

// breakWakes has every wake fail, as NATS may do between two writes.
func (b *bundle) breakWakes() {
	b.t.Helper()
	if err := b.broker.JetStream.DeleteStream(b.t.Context(), "WAKES"); err != nil {
		b.t.Fatal(err)
	}
}

// What is done is not answered with an error, which would have people do it again.
func TestWhatIsDoneIsNoError(t *testing.T) {
	for name, do := range map[string]func(b *bundle) error{
		"redeliver": func(b *bundle) error { return b.Redeliver(t.Context(), b.key, 3) },
		"replay": func(b *bundle) error {
			done, err := b.Replay(t.Context(), b.key, b.at(1).Time, time.Now().Add(hour))
			if done.Events != 20 {
				t.Errorf("%d events are replayed", done.Events)
			}
			return err
		},
		"delete": func(b *bundle) error {
			err := b.Delete(t.Context(), b.key)
			if _, gone := b.registry.Get(t.Context(), b.key); !errors.Is(gone, record.ErrNotFound) {
				t.Error("the webhook is there:", gone)
			}
			return err
		},
		"activate": func(b *bundle) error {
			b.deactivate(b.at(1).Time)
			done, err := b.Activate(t.Context(), b.key, true)
			if !done.Webhook.Active || !done.Unindexed || done.Events != 20 || done.Status.State != Lagging || !b.webhook().Active {
				t.Errorf("activated %+v", done)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, 20)
			b.breakWakes()
			if err := do(b); err != nil {
				t.Errorf("it is done, and answered with %v", err)
			}
		})
	}
}
