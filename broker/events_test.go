package broker

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// What is published over NATS on a subject that no event can have is read as a position only, until the live path rejects it: it
// keeps nobody from the events beside it.
func TestReadPastWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b, err := Open(ctx, Options{Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, subject := range []string{"events.acme.a", "events.acme.order:created", "events.acme." + strings.Repeat("x", 65), "events.Acme.a", "events.acme.a.b", "events.acme.z"} {
		if _, err := b.JetStream.Publish(ctx, subject, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	names := func(events []event.Event) string {
		all := make([]string, len(events))
		for i, e := range events {
			if all[i] = e.Name; e.Seq == 0 || e.Time.IsZero() || e.Name == "" && (e.Account != "" || e.Data != nil) {
				t.Errorf("read %+v", e)
			}
		}
		return strings.Join(all, ",")
	}
	if events, err := b.Read(ctx, "events.acme.*", 1, 10); err != nil || names(events) != "a,,,z" {
		t.Errorf("read %q, %v", names(events), err)
	}
	for seq := uint64(2); seq <= 5; seq++ {
		e, err := b.Event(ctx, seq)
		if err != nil || names([]event.Event{e}) != "" || e.Seq != seq {
			t.Errorf("event %d is %+v, %v", seq, e, err)
		}
		if found, err := b.FindAll(ctx, "acme", "", event.PositionID(e.Position())); len(found) != 0 || err != nil {
			t.Errorf("event %d by its position: %v, %v", seq, found, err)
		}
	}
	if e, err := b.Next(ctx, "events.acme.*", 2); err != nil || e.Seq != 2 || e.Name != "" {
		t.Errorf("the next one is %+v, %v", e, err)
	}
	var listed []event.Event
	for head, err := range b.History(ctx, "acme", "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, head.Event)
	}
	if names(listed) != "z,a" {
		t.Errorf("listed are %q", names(listed))
	}
}
