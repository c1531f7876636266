package notify

import (
	"context"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/lifetime"
)

// Run tells the operator what NATS lost, until the context ends.
func (n *Notices) Run(ctx context.Context) error {
	for lifetime.Sleep(ctx, n.o.Every) {
		if err := n.tellLosses(ctx); err != nil && ctx.Err() == nil {
			n.o.Log.Warn("the operator was not told what NATS lost", zap.Error(err))
		}
	}
	return nil
}

// tellLosses stores a notice of each loss that nobody was told of. A crash between the two writes stores none twice within a
// day.
func (n *Notices) tellLosses(ctx context.Context) error {
	untold, err := n.o.Broker.Untold(ctx)
	if err != nil {
		return err
	}
	for _, loss := range untold {
		if err := n.tellLoss(ctx, loss); err != nil {
			return err
		}
	}
	return nil
}

func (n *Notices) tellLoss(ctx context.Context, loss broker.Loss) error {
	again, err := n.publish(ctx, Operator, Notice{
		Version: form, Kind: Lost, Account: Operator, At: loss.Found, Since: loss.From, Until: loss.To, Events: loss.Events,
		Reason: "the stream of events went back, was made again, or was restored from an older copy",
	})
	if err != nil {
		return err
	}
	if !again {
		n.o.Log.Error("the operator is told that NATS lost events",
			zap.Uint64("events", loss.Events), zap.Time("since", loss.From), zap.Time("until", loss.To))
	}
	return n.o.Broker.Told(ctx, loss)
}
