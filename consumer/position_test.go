package consumer

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

// one is one webhook for all events.
type one registry.Subscription

func (o *one) Lookup(_ context.Context, pairs []registry.Pair) (map[registry.Pair][]*registry.Subscription, error) {
	found := map[registry.Pair][]*registry.Subscription{}
	for _, pair := range pairs {
		found[pair] = []*registry.Subscription{(*registry.Subscription)(o)}
	}
	return found, nil
}

func (*one) Deleted(string) bool { return false }
func (*one) Sole() bool          { return true }

// held makes attempts that succeed when they are released, and says what it is asked for.
type held struct {
	asked   chan event.Position
	release chan struct{}
}

func (h *held) Attempt(_ context.Context, _ delivery.Target, r delivery.Request) delivery.Attempt {
	a := delivery.Attempt{Seq: r.Seq, ID: r.ID, Published: r.Published, Outcome: delivery.Delivered}
	h.asked <- a.Position()
	<-h.release
	return a
}

// covers keeps what is handed over.
type covers struct {
	nobody
	events chan delivery.Attempt
}

func (c covers) Cover(_ context.Context, _ string, attempts []delivery.Attempt, _ int) error {
	for _, a := range attempts {
		c.events <- a
	}
	return nil
}

// desk is a worker without NATS.
type desk struct {
	*Worker
	sender *held
	covers covers
	t      *testing.T
}

func openDesk(t *testing.T, s registry.Subscription) *desk {
	sender := &held{make(chan event.Position, 9), make(chan struct{}, 9)}
	c := covers{nobody{t}, make(chan delivery.Attempt, 9)}
	s.Target.Key = "demo.1"
	return &desk{NewWorker(Options{
		Webhooks: (*one)(&s), Sender: sender, Slots: slots.New(8, 8), Cover: c, Rejects: &rejected{},
		Now: time.Now, AckWait: 30 * time.Second, Grace: time.Second, Log: zap.NewNop(),
	}), sender, c, t}
}

// at is the position of the event under the sequence 7 that was published then.
func at(published int64) event.Position {
	return event.Position{Seq: 7, Time: time.Unix(0, published)}
}

// hand has NATS hand out an event with a body, under the sequence 7.
func (d *desk) hand(published int64, body string) {
	d.dispatch(d.t.Context(), d.t.Context(), []*nats.Msg{{
		Subject: event.Subject("demo", "optin_finalized"), Data: []byte(body),
		Reply: fmt.Sprintf("$JS.ACK.EVENTS.dispatch.1.7.7.%d.0", published),
	}}, time.Now())
}

// attempts waits for the next attempts, which are of these events.
func (d *desk) attempts(want ...event.Position) {
	d.t.Helper()
	for _, p := range want {
		select {
		case got := <-d.sender.asked:
			if !got.Is(p) {
				d.t.Errorf("attempted %v, want %v", got, p)
			}
		case <-time.After(10 * time.Second):
			d.t.Fatalf("%v is not attempted", p)
		}
	}
}

// finish lets attempts end, waits until all tasks are done, and looks for attempts that nobody asked for.
func (d *desk) finish(attempts int) {
	d.t.Helper()
	for range attempts {
		d.sender.release <- struct{}{}
	}
	d.lanes.wg.Wait()
	if len(d.sender.asked) > 0 {
		d.t.Errorf("attempted %v as well", <-d.sender.asked)
	}
}

// acknowledged says what is to be acknowledged.
func (d *desk) acknowledged(want ...event.Position) {
	d.t.Helper()
	var got []event.Position
	for _, a := range d.acks.take(nil) {
		seq, published, err := broker.Place(a.msg)
		if err != nil {
			d.t.Fatal(err)
		}
		got = append(got, event.Position{Seq: seq, Time: published})
	}
	if !slices.EqualFunc(got, want, event.Position.Is) {
		d.t.Errorf("acknowledged %v, want %v", got, want)
	}
}

func active() registry.Subscription {
	return registry.Subscription{Webhook: registry.Webhook{Active: true}}
}

// An event whose acknowledgement was lost is acknowledged without a delivery, and another under its sequence is delivered.
func TestAnEventUnderASequenceThatIsDone(t *testing.T) {
	t.Parallel()
	d := openDesk(t, active())
	d.hand(1, "{}")
	d.attempts(at(1))
	d.finish(1)
	d.acknowledged(at(1))

	d.hand(1, "{}")
	d.finish(0)
	d.acknowledged(at(1))

	d.hand(2, "{}")
	d.attempts(at(2))
	d.acknowledged()
	d.finish(1)
	d.acknowledged(at(2))
}

// Under a sequence in flight another event is delivered too, and is acknowledged when it is done, not with the one before.
func TestAnEventUnderASequenceInFlight(t *testing.T) {
	t.Parallel()
	d := openDesk(t, active())
	d.hand(1, "{}")
	d.attempts(at(1))
	d.hand(1, "{}")
	d.hand(2, "{}")
	d.attempts(at(2))
	d.finish(2)
	d.acknowledged(at(2))
}

// NATS takes an acknowledgement as that of whatever has the sequence now: one that is not sent yet is withdrawn.
func TestAcknowledgementsOfASequenceAreWithdrawn(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"another event": "{}", "an event that is rejected": "{"} {
		d := openDesk(t, active())
		d.hand(1, "{}")
		d.attempts(at(1))
		d.finish(1)
		d.acknowledged(at(1)) // it would be confirmed
		d.hand(1, "{}")
		d.finish(0) // it is in the queue once more
		d.hand(2, body)
		if got := d.acks.take(nil); len(got) != 0 || d.acks.last.msg != nil {
			t.Errorf("%s: %d acknowledgements are sent, and %v is confirmed", name, len(got), d.acks.last)
		}
		if body == "{}" {
			d.attempts(at(2))
			d.finish(1)
		}
	}
}

// What goes to a backlog without an attempt bears its position.
func TestWhatIsHandedOverBearsItsPosition(t *testing.T) {
	t.Parallel()
	d := openDesk(t, registry.Subscription{Webhook: registry.Webhook{}})
	d.hand(1, "{}")
	if a := <-d.covers.events; !a.Position().Is(at(1)) {
		t.Errorf("handed over %v", a.Position())
	}
	d.finish(0)
	d.acknowledged(at(1))
}

// NATS lost what it had stored: events that were done come again, and are delivered again, since a backlog that took one of
// them may have forgotten it. So does what is in flight.
func TestWhatIsDoneIsForgottenAfterALoss(t *testing.T) {
	t.Parallel()
	d := openDesk(t, active())
	d.setBack(3) // one from before the start
	d.hand(1, "{}")
	d.attempts(at(1))
	d.finish(1)
	d.setBack(3)
	d.acknowledged(at(1))
	d.hand(1, "{}")
	d.finish(0)

	d.setBack(4)
	d.acknowledged() // what was to be is withdrawn
	d.hand(1, "{}")
	d.attempts(at(1))
	d.setBack(5)
	d.finish(1)
	d.acknowledged() // it comes again after the ack wait
	d.hand(1, "{}")
	d.attempts(at(1))
	d.finish(1)
	d.acknowledged(at(1))
}
