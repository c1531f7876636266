package broker

import (
	"context"
	"fmt"
	"time"
)

// mailedSubject is where it is kept when mails of one kind to an account went out last.
func mailedSubject(account, cause string) string {
	return receiptsPrefix + account + ".mailed." + cause
}

// SetMailed keeps when a mail about a cause, a token of a subject, went out to an account, and returns once it is stored.
func (b *Broker) SetMailed(ctx context.Context, account, cause string, at time.Time) error {
	if _, err := b.JetStream.Publish(ctx, mailedSubject(account, cause), []byte(at.UTC().Format(time.RFC3339Nano))); err != nil {
		return fmt.Errorf("store when a mail to %s went out: %w", account, err)
	}
	return nil
}

// Mailed is when a mail about a cause went out to an account last; zero if none did.
func (b *Broker) Mailed(ctx context.Context, account, cause string) (time.Time, error) {
	messages, err := b.direct(ctx, streamReceipts, get{MultiLast: []string{mailedSubject(account, cause)}, Batch: 1})
	if err != nil || len(messages) == 0 {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, string(messages[0].Data))
	if err != nil {
		return time.Time{}, fmt.Errorf("read when a mail to %s went out: %w", account, err)
	}
	return at, nil
}
