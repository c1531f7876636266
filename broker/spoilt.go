package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// spoilt is what NATS answers if it cannot read what it kept of a consumer: an error of a consumer that was not made, which has
// other reasons too, with this in its description (nats-server 2.15, errors 10012 and 10104).
const spoilt = "error creating store for consumer"

// overlap is how long before its making a consumer begins of which it cannot be read any more what was acknowledged, if it would
// begin with what is new.
const overlap = time.Hour

// makeConsumer makes a consumer by one of the functions of JetStream. What the embedded server kept of one and cannot read, as
// after a loss of power, is removed first; the server does so at no start by itself. The consumer then begins where its
// configuration says.
func (b *Broker) makeConsumer(
	ctx context.Context, by func(context.Context, string, jetstream.ConsumerConfig) (jetstream.Consumer, error), stream string, config jetstream.ConsumerConfig,
) (jetstream.Consumer, error) {
	c, err := by(ctx, stream, config)
	var refusal *jetstream.APIError
	if b.embedded == nil || !errors.As(err, &refusal) || !strings.Contains(refusal.Description, spoilt) {
		return c, err
	}
	b.options.Log.Error("what NATS kept of a consumer cannot be read and is removed", zap.String("stream", stream), zap.Error(err))
	// The server's global account is $G, and its consumers are in obs (nats-server 2.15, filestore.go).
	kept := filepath.Join(b.embedded.store, "jetstream", "$G", "streams", stream, "obs", config.Durable)
	if err := os.RemoveAll(kept); err != nil {
		return nil, fmt.Errorf("remove what NATS kept of the consumer %s and cannot read: %w", config.Durable, err)
	}
	if config.DeliverPolicy == jetstream.DeliverNewPolicy {
		since := b.Now().Add(-overlap)
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	return by(ctx, stream, config)
}
