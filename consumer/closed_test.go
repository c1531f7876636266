package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

// refusing is an endpoint that refuses connections, in front of backlogs that cannot be reached any more.
type refusing struct {
	nobody
	asked chan struct{}
}

func (refusing) Attempt(_ context.Context, _ delivery.Target, r delivery.Request) delivery.Attempt {
	return delivery.Attempt{Seq: r.Seq, ID: r.ID, Published: r.Published, Outcome: delivery.Refused}
}

func (r refusing) Cover(context.Context, string, []delivery.Attempt, int) error {
	r.asked <- struct{}{}
	return broker.ErrClosed
}

// A hand-over is not tried again over a connection that is closed for good: it would hold up the end of the process.
func TestHandOverEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	d := openDesk(t, registry.Subscription{})
	r := refusing{nobody{t}, make(chan struct{}, 100)}
	o := d.Options
	o.Sender, o.Cover = r, r
	d.Worker = NewWorker(o)
	d.hand(1, `{}`)
	<-r.asked
	for deadline := time.Now().Add(covering / 2); !d.inflight.empty(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the hand-over is still tried after %v, %d times", covering/2, len(r.asked))
		}
	}
}
