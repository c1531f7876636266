package broker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	noticesPrefix = "notices."
	// noticeAckWait is how long a channel may take to bring a notice to somebody before it is handed out again.
	noticeAckWait = time.Minute
)

// NoticeSubject is where a notice of this kind to an account is stored.
func NoticeSubject(account, kind string) string { return noticesPrefix + account + "." + kind }

// Notices are the kept notices of an account below a sequence, 0 for all, newest first. An error ends them. It reads
// directly, from any replica, so that the newest may be missing for a moment.
func (b *Broker) Notices(ctx context.Context, account string, before uint64) iter.Seq2[Stored, error] {
	return b.newest(ctx, streamNotices, noticesPrefix+account+".>", before)
}

// NoticeConsumer is where a channel that brings notices to people takes them from, on all nodes together; each channel
// has its own. A new one begins with the notices that are stored from now on.
func (b *Broker) NoticeConsumer(ctx context.Context, channel string) (jetstream.Consumer, error) {
	pulls, err := jetstream.New(b.pull)
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	config := jetstream.ConsumerConfig{
		Durable: "notices-" + channel, AckPolicy: jetstream.AckExplicitPolicy, AckWait: noticeAckWait,
		DeliverPolicy: jetstream.DeliverNewPolicy, MaxDeliver: -1, MaxAckPending: -1,
	}
	c, err := pulls.Consumer(ctx, streamNotices, config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		c, err = b.makeConsumer(ctx, pulls.CreateOrUpdateConsumer, streamNotices, config)
	}
	if err != nil {
		return nil, fmt.Errorf("define the consumer notices-%s: %w", channel, err)
	}
	b.keep(streamNotices, noticesPrefix+">", config)
	return c, nil
}
