package chaos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const subject = "events.demo.optin_finalized"

// publisher publishes events with ascending numbers, one after the other, each again until JetStream has acknowledged it.
type publisher struct {
	nc    *nats.Conn
	js    jetstream.JetStream
	every time.Duration
	// acked is how many are acknowledged: the numbers below it.
	acked atomic.Int64
	// refused counts the publishes that JetStream refused since the store was full.
	refused atomic.Int64
	paused  atomic.Bool
	// size is what a body is padded to with spaces.
	size atomic.Int64
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu sync.Mutex
	// numbers are the events by their sequences.
	numbers map[uint64]int
}

func newPublisher(url string, rate int) (*publisher, error) {
	// A publisher that is partitioned away with its node is to notice, and to go on with another.
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true),
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return nil, fmt.Errorf("connect the publisher: %w", err)
	}
	p := &publisher{nc: nc, every: time.Second / time.Duration(rate), numbers: map[uint64]int{}}
	if p.js, err = jetstream.New(nc); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.wg.Go(func() { p.run(ctx) })
	return p, nil
}

func (p *publisher) run(ctx context.Context) {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p.paused.Load() {
			continue
		}
		if p.publish(ctx, n) == nil {
			n++
			p.acked.Store(int64(n))
		}
	}
}

func (p *publisher) publish(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	body := []byte(fmt.Sprintf("%-*d", p.size.Load(), n))
	ack, err := p.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: body, Header: nats.Header{nats.MsgIdHdr: {"event-" + strconv.Itoa(n)}}})
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == 10077 { // JSStreamStoreFailedF
		p.refused.Add(1)
	}
	if err == nil {
		p.mu.Lock()
		p.numbers[ack.Sequence] = n
		p.mu.Unlock()
	}
	return err
}

// nonsense publishes what cannot be delivered.
func (p *publisher) nonsense() { _ = p.nc.Publish(subject, []byte("{not JSON")) }

func (p *publisher) count() int { return int(p.acked.Load()) }

func (p *publisher) close() {
	p.stop()
	p.wg.Wait()
	p.nc.Close()
}
