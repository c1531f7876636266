package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// publish stores events with the bodies from, from+1, … below to.
func publish(t *testing.T, b *Broker, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
}

// take takes and acknowledges what one pull brings, up to a number, and returns the bodies. It asks again after a pull that
// ended badly.
func take(t *testing.T, b *Broker, events int) (bodies []string) {
	t.Helper()
	for range 3 {
		p, err := b.Pull(events, 1<<20, 200*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for m := p.Next(nil); m != nil; m = p.Next(nil) {
			bodies = append(bodies, string(m.Data))
			// With an answer: what is written down next is to know of it.
			if err := m.AckSync(); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if p.Err() == nil {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	return bodies
}

func expect(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if fmt.Sprint(got) != want {
		t.Errorf("%s: %v, want %s", what, got, want)
	}
}

// reopen closes a broker and opens another one on its data.
func reopen(t *testing.T, b *Broker) *Broker {
	t.Helper()
	b.Close()
	next, err := Open(t.Context(), b.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	return next
}

func TestConsumerThatIsGoneGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 6), "[1 2 3 4 5 6]")
	if err := b.JetStream.DeleteConsumer(t.Context(), streamEvents, dispatchName); err != nil {
		t.Fatal(err)
	}
	expect(t, "while it runs", take(t, b, 3), "[7 8 9]")
	if err := b.JetStream.DeleteConsumer(t.Context(), streamEvents, dispatchName); err != nil {
		t.Fatal(err)
	}
	b = reopen(t, b)
	expect(t, "after a start", take(t, b, 10), "[10]")
	publish(t, b, 11, 13)
	expect(t, "new events", take(t, b, 10), "[11 12]")
}

// A consumer that somebody made anew begins with all that the stream holds; what was acknowledged long ago does not come again.
func TestConsumerThatWasResetGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 10), "[1 2 3 4 5 6 7 8 9 10]")
	// The mark is of an hour later.
	b.watch.mark.Time = b.watch.mark.Time.Add(time.Hour)
	if err := b.JetStream.DeleteConsumer(t.Context(), streamEvents, dispatchName); err != nil {
		t.Fatal(err)
	}
	if _, err := b.JetStream.CreateConsumer(t.Context(), streamEvents, b.dispatchConfig()); err != nil {
		t.Fatal(err)
	}
	b.doubt()
	publish(t, b, 11, 13)
	expect(t, "after the reset", take(t, b, 20), "[11 12]")
}

func TestStreamThatWasMadeAnewIsDelivered(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 10), "[1 2 3 4 5 6 7 8 9 10]")
	if err := b.JetStream.DeleteStream(t.Context(), streamEvents); err != nil {
		t.Fatal(err)
	}
	if got := take(t, b, 10); got != nil {
		t.Errorf("there are %v in a stream that is gone", got)
	}
	publish(t, b, 11, 16)
	expect(t, "after it was made again", take(t, b, 10), "[11 12 13 14 15]")
}

// The stream goes back and grows again under a consumer that does not: new events have the numbers of what was handed out.
func TestStreamThatWentBackIsDelivered(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 21)
	take(t, b, 20)
	if err := b.JetStream.DeleteStream(t.Context(), streamEvents); err != nil {
		t.Fatal(err)
	}
	if err := b.makeMissing(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 21, 46)
	config := b.dispatchConfig()
	config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, 21
	consumer, err := b.JetStream.CreateConsumer(t.Context(), streamEvents, config)
	if err != nil {
		t.Fatal(err)
	}
	b.watch.mark.Made = consumer.CachedInfo().Created // as if it were the one before
	b.doubt()
	if got := take(t, b, 50); len(got) != 25 || got[0] != "21" {
		t.Errorf("delivered %v, want the 25 from 21 on", got)
	}
	b.doubt()
	publish(t, b, 46, 47)
	expect(t, "once", take(t, b, 10), "[46]")
}

func TestWhatIsGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	for _, name := range []string{streamWakes, streamNotices, "KV_BACKLOGS"} {
		if err := b.JetStream.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if missing, err := b.missing(t.Context()); err != nil || len(missing) > 0 {
		t.Error(missing, err)
	}
	if err := b.Wake(t.Context(), "demo.1"); err != nil {
		t.Fatal(err)
	}
	if m, err := b.Wakes.Next(jetstream.FetchMaxWait(5 * time.Second)); err != nil || WokenKey(m) != "demo.1" {
		t.Error(m, err)
	}
	if _, err := b.Backlogs.Put(context.Background(), "demo.1", []byte("{}"), 0); err != nil {
		t.Error(err)
	}
}
