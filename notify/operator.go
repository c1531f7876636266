package notify

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/lifetime"
)

// Run tells the operator what NATS lost, and that our own network seems to be down, until the context ends.
func (n *Notices) Run(ctx context.Context) error {
	for lifetime.Sleep(ctx, n.o.Every) {
		if err := errors.Join(n.tellLosses(ctx), n.tellOutage(ctx)); err != nil && ctx.Err() == nil {
			n.o.Log.Warn("the operator was not told what there is to tell", zap.Error(err))
		}
	}
	return nil
}

// tellOutage stores a notice of an outage of our own network of which nobody was told, once over all processes.
func (n *Notices) tellOutage(ctx context.Context) error {
	outage, lasts, err := n.o.Broker.Outage(ctx)
	if err != nil || !lasts || outage.Told {
		return err
	}
	if _, err := n.publish(ctx, Operator, Notice{
		Version: form, Kind: Network, Account: Operator, At: outage.Since, Since: outage.Since,
		Reason: "hosts that answered until now fail all at once",
	}); err != nil {
		return err
	}
	return n.o.Broker.OutageTold(ctx, outage)
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
