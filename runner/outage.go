package runner

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/lifetime"
)

// looking is how often it is looked whether our own network is down.
const looking = time.Minute

// watchNetwork says in the log, once a minute, that our own network seems to be down, while it does, and then that it does
// not any more. It does so until the context ends.
func (w *Worker) watchNetwork(ctx context.Context) {
	for said := false; lifetime.Sleep(ctx, looking); {
		since, down := w.options.Sender.Outage()
		if down {
			w.options.Log.Error("the network seems to be down on our side: hosts that answered until now fail at once; no webhook is deactivated",
				zap.Time("failing_since", since))
		} else if said {
			w.options.Log.Info("the network does not seem to be down on our side any more")
		}
		said = down
	}
}
