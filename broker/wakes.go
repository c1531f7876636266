package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const wakeNow, wakeAt = "wake.now.", "wake.at."

// Wake says "look at this backlog". It is idempotent; a wake may come twice or late.
func (b *Broker) Wake(ctx context.Context, key string) error {
	if _, err := b.JetStream.Publish(ctx, wakeNow+key, nil); err != nil {
		return fmt.Errorf("wake the backlog %s: %w", key, err)
	}
	return nil
}

// WakeAt has JetStream wake the backlog at a time; it replaces an earlier one of the same backlog.
func (b *Broker) WakeAt(ctx context.Context, key string, at time.Time) error {
	if _, err := b.JetStream.PublishMsg(ctx, wakeMsg(key, at)); err != nil {
		return fmt.Errorf("schedule the wake of the backlog %s: %w", key, err)
	}
	return nil
}

// wakeMsg is the message that has JetStream wake a backlog at a time (ADR-51); it is written here because the client's
// option cuts the time down to the second.
func wakeMsg(key string, at time.Time) *nats.Msg {
	return &nats.Msg{Subject: wakeAt + key, Header: nats.Header{
		"Nats-Schedule":        {"@at " + at.UTC().Format(time.RFC3339Nano)},
		"Nats-Schedule-Target": {wakeNow + key},
	}}
}

// Rewake is Wake, or, at a time that is not zero, WakeAt, for a wake that may be lost: one that NATS has is left in its
// place, and nothing is written.
func (b *Broker) Rewake(ctx context.Context, key string, at time.Time) error {
	msg := &nats.Msg{Subject: wakeNow + key}
	if !at.IsZero() {
		msg = wakeMsg(key, at)
	}
	_, err := b.JetStream.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(0))
	if err != nil && !changed(err) {
		return fmt.Errorf("wake the backlog %s again: %w", key, err)
	}
	return nil
}

// WokenKey is the key of the backlog that a wake is for.
func WokenKey(m jetstream.Msg) string { return strings.TrimPrefix(m.Subject(), wakeNow) }

// Forget removes what the streams hold of a webhook besides events: its wakes and its attempt log.
func (b *Broker) Forget(ctx context.Context, key string) error {
	wakes, err := b.JetStream.Stream(ctx, streamWakes)
	if err != nil {
		return fmt.Errorf("look up the stream %s: %w", streamWakes, err)
	}
	return errors.Join(
		wakes.Purge(ctx, jetstream.WithPurgeSubject(wakeNow+key)),
		wakes.Purge(ctx, jetstream.WithPurgeSubject(wakeAt+key)),
		b.attempts.Purge(ctx, jetstream.WithPurgeSubject(attemptsPrefix+key)),
	)
}
