package broker

import (
	"context"
	"fmt"
	"strconv"
)

const (
	receiptsPrefix = "receipts."
	// channelsAtMost is more than there are channels of notices.
	channelsAtMost = 8
)

func receiptSubject(account string, notice uint64, channel string) string {
	return receiptsPrefix + account + "." + strconv.FormatUint(notice, 10) + "." + channel
}

// StoreReceipt keeps what came of a notice by a channel, in the place of what was kept of them, and returns once it is stored.
func (b *Broker) StoreReceipt(ctx context.Context, account string, notice uint64, channel string, record []byte) error {
	subject := receiptSubject(account, notice, channel)
	if _, err := b.JetStream.Publish(ctx, subject, record); err != nil {
		return fmt.Errorf("store %s: %w", subject, err)
	}
	return nil
}

// Receipts are what came of these notices of an account, by all channels. It reads directly, from any replica, so that the newest
// may be missing for a moment.
func (b *Broker) Receipts(ctx context.Context, account string, notices []uint64) ([]Stored, error) {
	var found []Stored
	for len(notices) > 0 {
		some := notices[:min(len(notices), readAtOnce/channelsAtMost)]
		notices = notices[len(some):]
		request := get{Batch: readAtOnce}
		for _, notice := range some {
			request.MultiLast = append(request.MultiLast, receiptSubject(account, notice, "*"))
		}
		messages, err := b.direct(ctx, streamReceipts, request)
		if err != nil {
			return nil, fmt.Errorf("read what came of the notices of %s: %w", account, err)
		}
		for _, m := range messages {
			seq, err := sequence(m)
			if err != nil {
				return nil, err
			}
			found = append(found, Stored{Seq: seq, Record: m.Data})
		}
	}
	return found, nil
}
