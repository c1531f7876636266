package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// forget has the next call of Ready look.
func (h *health) forget() {
	h.turn <- struct{}{}
	h.at = time.Time{}
	<-h.turn
}

// unready fails unless the broker says a reason with this word.
func unready(t *testing.T, b *Broker, word string) {
	t.Helper()
	b.health.forget()
	if err := b.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), word) {
		t.Errorf("the broker says %v, want something of %s", err, word)
	}
}

func TestReadyTellsWhatIsGoneAndItIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, remove := range map[string]func(context.Context) error{
		"KV_WEBHOOKS": func(ctx context.Context) error { return b.JetStream.DeleteStream(ctx, "KV_WEBHOOKS") },
		streamEvents:  func(ctx context.Context) error { return b.JetStream.DeleteStream(ctx, streamEvents) },
		runnersName:   func(ctx context.Context) error { return b.JetStream.DeleteConsumer(ctx, streamWakes, runnersName) },
		dispatchName:  func(ctx context.Context) error { return b.JetStream.DeleteConsumer(ctx, streamEvents, dispatchName) },
	} {
		if err := remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		unready(t, b, name)
		if err := b.heal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.check(); err != nil { // as the next pull does
			t.Fatal(err)
		}
		b.health.forget()
		if err := b.Ready(t.Context()); err != nil {
			t.Errorf("after %s was gone: %v", name, err)
		}
	}
}

func TestReadyTellsThatNothingIsHandedOut(t *testing.T) {
	t.Parallel()
	b := open(t)
	if _, err := b.JetStream.PauseConsumer(t.Context(), streamEvents, dispatchName, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	unready(t, b, "paused")
	if _, err := b.JetStream.ResumeConsumer(t.Context(), streamEvents, dispatchName); err != nil {
		t.Fatal(err)
	}
	b.health.forget()
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	b.pull.Close()
	unready(t, b, "not connected")
}

// Whoever gives up asking has no say in what others are told.
func TestReadyForgetsWhoGaveUp(t *testing.T) {
	t.Parallel()
	b := open(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a turn that is free may be taken all the same
		b.health.forget()
		if err := b.Ready(gone); err == nil {
			t.Fatal("the broker is ready for somebody who has gone")
		}
		if err := b.Ready(t.Context()); err != nil {
			t.Fatalf("the broker says %v to whoever asks next", err)
		}
	}
}

// What was made again is told, for others to make good for what it held.
func TestRemadeIsTold(t *testing.T) {
	t.Parallel()
	b := open(t)
	if err := b.JetStream.DeleteStream(t.Context(), streamWakes); err != nil {
		t.Fatal(err)
	}
	if err := b.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if name := <-b.Remade(); name != RemadeWakes {
		t.Errorf("%s is said to be made again", name)
	}
}

// An answer is kept for a second.
func TestReadyLooksOnceASecond(t *testing.T) {
	t.Parallel()
	b := open(t)
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.health.at = time.Now().Add(time.Hour)
	if err := b.JetStream.DeleteStream(t.Context(), streamWakes); err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// A write that failed, as on a full disk, is told and ends the process; the store takes writes again after the next start.
func TestEmbeddedStoreThatCannotWriteEndsRun(t *testing.T) {
	t.Parallel()
	b := open(t)
	// A directory where the next block of events has to be: the block cannot be made.
	block := filepath.Join(b.options.Dir, "nats", "jetstream", "$G", "streams", streamEvents, "msgs", "2.blk")
	if err := os.Mkdir(block, 0o700); err != nil {
		t.Fatal(err)
	}
	body := []byte(`"` + strings.Repeat("x", 1<<20-2) + `"`)
	stored := 0
	for range 32 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := b.JetStream.Publish(ctx, "events.demo.x", body)
		cancel()
		if err != nil {
			break
		}
		stored++
	}
	unready(t, b, "write error")
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "write error") {
		t.Errorf("Run ended with %v", err)
	}
	b.Close()
	if err := os.Remove(block); err != nil {
		t.Fatal(err)
	}
	b = reopen(t, b)
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", body); err != nil {
		t.Fatal(err)
	}
	got := 0
	for got < stored+1 {
		p, err := b.Pull(stored+1-got, 8<<20, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got += len(numbers(t, p))
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusedWritesAreTold(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.health.wrote("events.demo.x", &jetstream.APIError{Code: 400})
	b.health.wrote("events.demo.x", context.Canceled)
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.health.wrote("events.demo.x", nats.ErrNoResponders)
	unready(t, b, "events")
	b.health.wrote("$KV.WEBHOOKS.x", nil)
	unready(t, b, "events")
	b.health.wrote("events.demo.x", nil)
	b.health.forget()
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	b.nc.Close()
	if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", nil); !errors.Is(err, errAway) {
		t.Errorf("a publish without a connection ended with %v", err)
	}
}
