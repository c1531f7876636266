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
	msg := &nats.Msg{Subject: wakeAt + key, Header: nats.Header{
		// ADR-51; written here because the client's option cuts the time down to the second.
		"Nats-Schedule":        {"@at " + at.UTC().Format(time.RFC3339Nano)},
		"Nats-Schedule-Target": {wakeNow + key},
	}}
	if _, err := b.JetStream.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("schedule the wake of the backlog %s: %w", key, err)
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
