package consumer

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

// each has one webhook for each account, which is away from the live path if gone.
type each struct{ gone bool }

func (o each) Lookup(_ context.Context, pairs []registry.Pair) (map[registry.Pair][]*registry.Subscription, error) {
	found := map[registry.Pair][]*registry.Subscription{}
	for _, pair := range pairs {
		s := &registry.Subscription{Webhook: registry.Webhook{Active: true}, Target: delivery.Target{Key: pair.Account + ".1"}}
		if o.gone {
			s.Webhook.Ranges = []registry.Range{{ID: "away", From: 1}}
		}
		found[pair] = []*registry.Subscription{s}
	}
	return found, nil
}

func (each) Deleted(string) bool { return false }
func (each) Sole() bool          { return false }

// hanging answers nothing until the test is over, and counts what it is asked for.
type hanging struct {
	mu    sync.Mutex
	asked map[string]int
}

func (h *hanging) Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt {
	h.mu.Lock()
	h.asked[t.Key]++
	h.mu.Unlock()
	<-ctx.Done()
	return delivery.Attempt{Seq: r.Seq, Published: r.Published, Outcome: delivery.Aborted}
}

// reasons counts what is handed over, by webhook and outcome.
type reasons struct {
	nobody
	mu   sync.Mutex
	told map[string]int
}

func (c *reasons) Cover(_ context.Context, key string, attempts []delivery.Attempt, _ int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range attempts {
		c.told[fmt.Sprint(key, " ", a.Outcome)]++
	}
	return nil
}

// hallway is a worker without NATS, for several accounts.
type hallway struct {
	*Worker
	sender *hanging
	cover  *reasons
	seq    uint64
}

func openHallway(t *testing.T, webhooks Webhooks) *hallway {
	h := &hallway{sender: &hanging{asked: map[string]int{}}, cover: &reasons{nobody: nobody{t}, told: map[string]int{}}}
	h.Worker = NewWorker(Options{
		Webhooks: webhooks, Sender: h.sender, Slots: slots.New(64, 8192), Cover: h.cover, Rejects: &rejected{},
		Now: time.Now, AckWait: 30 * time.Second, Grace: time.Second, Log: zap.NewNop(),
	})
	return h
}

// hand has NATS hand out events of an account, and say how many are still to come.
func (h *hallway) hand(ctx context.Context, account string, count, pending int) {
	var messages []*nats.Msg
	for range count {
		h.seq++
		messages = append(messages, &nats.Msg{
			Subject: event.Subject(account, "optin_finalized"), Data: []byte("{}"),
			Reply: fmt.Sprintf("$JS.ACK.EVENTS.dispatch.1.%d.%d.%d.%d", h.seq, h.seq, h.seq, pending),
		})
	}
	h.dispatch(ctx, ctx, messages, time.Now())
}

// While more is to come than there is room for, an account with more than its share leaves, and it is busy, not slow. What is no
// flood stays.
func TestABusyAccountLeavesTheLivePath(t *testing.T) {
	t.Parallel()
	for pending, leaves := range map[int]bool{0: false, 100_000: true} {
		h := openHallway(t, each{})
		ctx, cut := context.WithCancel(t.Context())
		h.hand(ctx, "quiet", 1, pending)
		for range 6 {
			h.hand(ctx, "busy", fetchSize, pending)
		}
		h.mu.Lock()
		a := h.inflight.accounts["busy"]
		staying, leaving := a.tasks-a.leaving, a.leaving > 0
		h.mu.Unlock()
		if leaving != leaves || leaves && staying > 0 {
			t.Errorf("with %d events to come %d of 3000 stay; some leave: %v", pending, staying, leaving)
		}
		cut()
		h.lanes.wg.Wait()
		h.cover.mu.Lock()
		if busy := h.cover.told["busy.1 busy"]; busy > 0 != leaves || h.cover.told["busy.1 slow"] > 0 || h.cover.told["quiet.1 busy"] > 0 {
			t.Errorf("with %d events to come: %v", pending, h.cover.told)
		}
		h.cover.mu.Unlock()
	}
}

// An event that is a backlog's costs a look: it is acknowledged, is neither in flight nor in a lane, and nothing is allocated for
// it. Allocations are counted for the whole process, so that this test has no other beside it.
func TestWhatIsPassedOverIsAcknowledged(t *testing.T) {
	h := openHallway(t, each{gone: true})
	for range 3 {
		h.hand(t.Context(), "busy", fetchSize, 100_000)
	}
	if n := len(h.acks.take(nil)); n != 3*fetchSize || h.inflight.count() != 0 || len(h.lanes.lanes) != 0 || len(h.inflight.accounts) != 0 {
		t.Errorf("%d of %d are acknowledged, %d in flight", n, 3*fetchSize, h.inflight.count())
	}
	messages := make([]*nats.Msg, fetchSize)
	for i := range messages {
		messages[i] = &nats.Msg{
			Subject: event.Subject("busy", "optin_finalized"), Data: []byte("{}"),
			Reply: fmt.Sprintf("$JS.ACK.EVENTS.dispatch.1.%d.1.1.9", 10_000+i),
		}
	}
	spare := make([]ack, 0, 4*fetchSize)
	h.acks.queue = make([]ack, 0, 4*fetchSize)
	allocated := testing.AllocsPerRun(10, func() {
		h.dispatch(t.Context(), t.Context(), messages, time.Now())
		spare = h.acks.take(spare)
	})
	if allocated > 20 {
		t.Errorf("a batch of %d that is passed over allocates %v times", fetchSize, allocated)
	}
}
