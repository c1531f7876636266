package broker

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StoredNotice is a notice in its stream.
type StoredNotice struct {
	Seq    uint64
	Record []byte
}

const (
	noticesPrefix = "notices."
	// noticeAckWait is how long a channel may take to bring a notice to somebody before it is handed out again.
	noticeAckWait = time.Minute
)

// NoticeSubject is where a notice of this kind to an account is stored.
func NoticeSubject(account, kind string) string { return noticesPrefix + account + "." + kind }

// noticesAtOnce is how many notices are read with one request, and how many sequences the first look back spans.
const noticesAtOnce = 256

// Notices are the kept notices of an account below a sequence, 0 for all, newest first. An error ends them. It reads
// directly, from any replica, so that the newest may be missing for a moment.
func (b *Broker) Notices(ctx context.Context, account string, before uint64) iter.Seq2[StoredNotice, error] {
	return func(yield func(StoredNotice, error) bool) {
		info, err := b.notices.Info(ctx)
		if err != nil {
			yield(StoredNotice{}, fmt.Errorf("ask the stream %s for its bounds: %w", streamNotices, err))
			return
		}
		first, end := max(info.State.FirstSeq, 1), info.State.LastSeq+1
		if before != 0 {
			end = min(end, before)
		}
		// A stream is only read forwards: look back over ever more of it.
		for span := uint64(noticesAtOnce); end > first; span *= 4 {
			from := first
			if end > first+span {
				from = end - span
			}
			found, err := b.noticesIn(ctx, account, from, end)
			if err != nil {
				yield(StoredNotice{}, err)
				return
			}
			for i := len(found) - 1; i >= 0; i-- {
				if !yield(found[i], nil) {
					return
				}
			}
			end = from
		}
	}
}

// noticesIn are the notices of an account in [from, to), oldest first.
func (b *Broker) noticesIn(ctx context.Context, account string, from, to uint64) ([]StoredNotice, error) {
	var found []StoredNotice
	for from < to {
		messages, err := b.direct(ctx, streamNotices, get{Seq: from, Next: noticesPrefix + account + ".>", Batch: noticesAtOnce, Bytes: 4 << 20})
		if err != nil {
			return nil, fmt.Errorf("read the notices of %s from %d: %w", account, from, err)
		}
		if len(messages) == 0 {
			return found, nil
		}
		for _, m := range messages {
			seq, err := sequence(m)
			if err != nil {
				return nil, fmt.Errorf("read the notices of %s from %d: a sequence: %w", account, from, err)
			}
			if from = seq + 1; seq >= to {
				return found, nil
			}
			found = append(found, StoredNotice{Seq: seq, Record: m.Data})
		}
	}
	return found, nil
}

// NoticeConsumer is where a channel that brings notices to people takes them from, on all nodes together; each channel
// has its own. A new one begins with the notices that are stored from now on.
func (b *Broker) NoticeConsumer(ctx context.Context, channel string) (jetstream.Consumer, error) {
	pulls, err := jetstream.New(b.pull)
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	c, err := pulls.CreateOrUpdateConsumer(ctx, streamNotices, jetstream.ConsumerConfig{
		Durable: "notices-" + channel, AckPolicy: jetstream.AckExplicitPolicy, AckWait: noticeAckWait,
		DeliverPolicy: jetstream.DeliverNewPolicy, MaxDeliver: -1, MaxAckPending: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("define the consumer notices-%s: %w", channel, err)
	}
	return c, nil
}
