package broker

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	auditPrefix = "audit."
	// auditAge is how long the audit log is kept, and auditKept bounds that of one account.
	auditAge  = 90 * 24 * time.Hour
	auditKept = 10_000
)

// Audit appends a record to the audit log of an account and returns once it is stored.
func (b *Broker) Audit(ctx context.Context, account string, record []byte) error {
	if _, err := b.JetStream.Publish(ctx, auditPrefix+account, record); err != nil {
		return fmt.Errorf("write the audit log of %s: %w", account, err)
	}
	return nil
}

// Audited are the kept records of the audit log of an account below a sequence, 0 for all, newest first. An error ends them.
func (b *Broker) Audited(ctx context.Context, account string, before uint64) iter.Seq2[Stored, error] {
	return b.newest(ctx, streamAudit, auditPrefix+account, before)
}

// ForgetAccount removes what the streams hold of an account: its events, attempts, notices with what came of them, statistics, audit log, and what was
// rejected of it. What is in flight may still be noted.
func (b *Broker) ForgetAccount(ctx context.Context, account string) error {
	for _, of := range [][2]string{
		{streamEvents, "events." + account + ".>"}, {streamAttempts, attemptsPrefix + account + ".*"}, {streamNotices, noticesPrefix + account + ".>"},
		{streamStats, "stats." + account}, {streamAudit, auditPrefix + account},
		{streamReceipts, receiptsPrefix + account + ".>"},
		{streamRejected, rejectedPrefix + "events." + account + ".>"}, {streamRejected, erasedPrefix + account + ".>"},
	} {
		s, err := b.JetStream.Stream(ctx, of[0])
		if err == nil {
			err = s.Purge(ctx, jetstream.WithPurgeSubject(of[1]))
		}
		if err != nil {
			return fmt.Errorf("remove %s from the stream %s: %w", of[1], of[0], err)
		}
	}
	return nil
}
