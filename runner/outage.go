package runner

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/lifetime"
)

// looking is how often it is looked whether our own network is down.
const looking = time.Minute

// watchNetwork says once a minute, in the log and to all processes, that our own network seems to be down, while it does, and then
// that it does not any more. It does so until the context ends.
func (w *Worker) watchNetwork(ctx context.Context) {
	log, broker := w.options.Log, w.options.Broker
	for said, first := false, true; first || lifetime.Sleep(ctx, looking); first = false {
		err := w.assume(ctx)
		since, down := w.options.Sender.Outage()
		if down {
			log.Error("the network seems to be down on our side: hosts that answered until now fail at once; no webhook is deactivated",
				zap.Time("failing_since", since))
			err = errors.Join(err, broker.SeeOutage(ctx, since))
		} else if said {
			log.Info("the network does not seem to be down on our side any more")
			err = errors.Join(err, broker.EndOutage(ctx))
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("the other processes do not know how our own network is", zap.Error(err))
		}
		said = down
	}
}

// assume has a process that has reached nobody yet know of an outage that others see, or that it saw before its start, and know
// when it is over.
func (w *Worker) assume(ctx context.Context) error {
	o, _, err := w.options.Broker.Outage(ctx)
	if err != nil {
		return err
	}
	if !o.Unended(w.options.Broker.Now()) {
		o.Since = time.Time{}
	}
	w.options.Sender.AssumeOutage(o.Since)
	return nil
}
