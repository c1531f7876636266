package chaos

import (
	"context"
	"errors"
	"fmt"
	"sort"
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
	// numbers are the events by their sequences; sent are those that are acknowledged, by number.
	numbers map[uint64]int
	sent    []sent
}

// sent is where the stream has an event, and when JetStream acknowledged it.
type sent struct {
	seq uint64
	at  time.Time
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
		p.sent = append(p.sent[:n], sent{ack.Sequence, time.Now()})
		p.mu.Unlock()
	}
	return err
}

// nonsense publishes what cannot be delivered.
func (p *publisher) nonsense() { _ = p.nc.Publish(subject, []byte("{not JSON")) }

func (p *publisher) count() int { return int(p.acked.Load()) }

// where is where the stream has an event, and when it was acknowledged.
func (p *publisher) where(n int) sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent[n]
}

// last is when an event was acknowledged last.
func (p *publisher) last() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sent) == 0 {
		return time.Now()
	}
	return p.sent[len(p.sent)-1].at
}

// before is the number of events that were acknowledged before a time.
func (p *publisher) before(t time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sort.Search(len(p.sent), func(n int) bool { return !p.sent[n].at.Before(t) })
}

func (p *publisher) close() {
	p.stop()
	p.wg.Wait()
	p.nc.Close()
}
