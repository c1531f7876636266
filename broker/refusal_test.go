package broker

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

// body is a JSON value of a size.
func body(size int) []byte { return []byte(`"` + strings.Repeat("x", size-2) + `"`) }

// A message has headers besides its body, so that one of the largest size does not fit a server with the default of
// max_payload. Whoever starts Saumer hears that.
func TestABodyThatNATSDoesNotTakeIsTooLarge(t *testing.T) {
	t.Parallel()
	messages := make(chan string, 10)
	b, err := Open(t.Context(), Options{
		URL: startServer(t, &server.Options{}).ClientURL(), Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: telling(messages),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if said := <-messages; !strings.Contains(said, "max_payload") {
		t.Errorf("the log says %q", said)
	}
	for _, key := range []string{"", "a key"} {
		for size, fits := range map[int]bool{event.MaxSize: false, event.MaxSize - 1024: true} {
			_, err := event.Publish(t.Context(), b.JetStream, "demo", "optin_finalized", key, body(size))
			if (err == nil) != fits || !fits && !errors.Is(err, event.ErrSize) {
				t.Errorf("%d bytes with the key %q: %v", size, key, err)
			}
		}
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Error("an event that is too large is no fault of NATS:", err)
	}
}

// A server whose store has no more room says so in other words than a stream with a bound.
func TestAStoreWithoutRoomIsFull(t *testing.T) {
	t.Parallel()
	b := openAt(t, startServer(t, &server.Options{JetStreamMaxStore: 2 << 20}).ClientURL())
	var err error
	for range 10 {
		if _, err = event.Publish(t.Context(), b.JetStream, "demo", "optin_finalized", "", body(event.MaxSize/2)); err != nil {
			break
		}
	}
	if !errors.Is(err, event.ErrFull) {
		t.Errorf("the store is full: %v", err)
	}
	unready(t, b, "events")
}

// What a batch finds of a full store is told as what one event finds.
func TestABatchTellsThatTheStoreIsFull(t *testing.T) {
	t.Parallel()
	b := openAt(t, startServer(t, &server.Options{JetStreamMaxStore: 2 << 20}).ClientURL())
	outcomes := event.PublishBatch(t.Context(), b.JetStream, "demo",
		slices.Repeat([]event.Item{{Name: "optin_finalized", Data: body(event.MaxSize / 2)}}, 10))
	if err := outcomes[9].Err; !errors.Is(err, event.ErrFull) {
		t.Fatalf("the store is full: %v", err)
	}
	select {
	case <-b.health.ill:
	case <-time.After(time.Minute):
		t.Fatal("nobody is told")
	}
	unready(t, b, "events")
	if err := b.events.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := event.PublishBatch(t.Context(), b.JetStream, "demo", []event.Item{{Name: "optin_finalized", Data: body(10)}}); o[0].Err != nil {
		t.Fatal(o[0].Err)
	}
	for deadline := time.Now().Add(time.Minute); b.health.refusal.Load() != nil; runtime.Gosched() { // it is taken in just after the answer
		if time.Now().After(deadline) {
			t.Fatal("a batch that is stored does not end it")
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errAway, nats.ErrNoResponders, jetstream.ErrNoStreamResponse, jetstream.ErrStreamNotFound, jetstream.ErrConsumerNotFound,
		&jetstream.APIError{Code: 503, ErrorCode: 10008, Description: "JetStream system temporarily unavailable"},
	} {
		if !Unavailable(fmt.Errorf("ask: %w", err)) {
			t.Errorf("%v counts as something else", err)
		}
	}
	for _, err := range []error{ErrNotFound, ErrChanged, &jetstream.APIError{Code: 400, ErrorCode: 10071, Description: "wrong last sequence: 7"}} {
		if Unavailable(err) {
			t.Errorf("%v counts as a NATS that is away", err)
		}
	}
}
