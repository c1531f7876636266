package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/lifetime"
)

// Errors of channels; match them with errors.Is.
var (
	// ErrUndeliverable is returned by a channel for a notice that it will never bring to anybody.
	ErrUndeliverable = errors.New("it will never arrive")
	// ErrNobody is returned by a channel for a notice that is for nobody whom it knows.
	ErrNobody = errors.New("nobody is named for it")
)

const (
	// senders is how many notices one channel of one process brings to people at once.
	senders = 4
	// sendTime bounds one try; it is well within the consumer's ack wait.
	sendTime = 30 * time.Second
	// stale is how old a notice is when a channel gives it up.
	stale = 5 * 24 * time.Hour
)

// errStale says why a notice is given up.
var errStale = fmt.Errorf("it did not arrive within %v", stale)

// fetchWaits is how long to wait after a fetch of notices that failed.
var fetchWaits = lifetime.Waits{First: time.Second, Longest: time.Second}

// tries is how long a channel waits before it tries a notice again.
var tries = delivery.Backoff{Initial: 10 * time.Second, Max: time.Hour}

// Channel is one way to tell people.
type Channel interface {
	// Send tells whom the notice is for; attempt counts from 1. What fails is tried again, unless the error is an
	// ErrUndeliverable or ErrNobody. The error holds no secret.
	Send(ctx context.Context, n Notice, attempt int) error
}

// Outlet takes the notices for one channel, on all nodes together: each notice until it has arrived, by itself or with
// others of its cause, so that one that does not arrive holds up no other.
type Outlet struct {
	// Name is the channel's, mail or post.
	Name    string
	Channel Channel
	// Receipts keep what came of each notice.
	Receipts Receipts
	// Links makes the links of notices.
	Links    *Links
	Consumer jetstream.Consumer
	// Gather is how long a notice waits for others of its cause, where the channel is a Gathering, and Period for how long people
	// are not told of a cause again; a Period of 0 brings each notice by itself.
	Gather, Period time.Duration
	// Grace is how long a stop waits for what is under way.
	Grace time.Duration
	// Pull is how long a fetch waits for notices.
	Pull time.Duration
	// Now tells the time by the clock that notices have.
	Now func() time.Time
	Log *zap.Logger
}

// Run brings notices to people until the context ends. What is under way is waited for, for the grace at most.
func (o *Outlet) Run(ctx context.Context) error {
	sending, cut := lifetime.Hard(ctx)
	defer cut()
	var wg sync.WaitGroup
	take, workers := func() error { return o.take(ctx, sending) }, senders
	if channel, ok := o.Channel.(Gathering); ok && o.Period > 0 {
		// One, so that the notices of a cause come to the same.
		take, workers = func() error { return o.gather(ctx, sending, channel) }, 1
	}
	for range workers {
		wg.Go(func() {
			lifetime.Repeat(ctx, fetchWaits, take, func(err error) {
				o.Log.Warn("notices were not fetched", zap.Error(err))
			})
		})
	}
	<-ctx.Done()
	lifetime.Drain(o.Grace, wg.Wait, cut)
	return nil
}

// take waits for one notice and deals with it.
func (o *Outlet) take(ctx, sending context.Context) error {
	fetched, err := o.Consumer.Fetch(1, broker.Waiting(o.Pull)...)
	if err != nil {
		return err
	}
	for m := range fetched.Messages() {
		if ctx.Err() != nil {
			_ = m.Nak() // if that fails, the notice comes again after the ack wait
			continue
		}
		timed, cancel := context.WithTimeout(sending, sendTime)
		err := o.bring(timed, m)
		cancel()
		if err != nil {
			return err
		}
	}
	return fetched.Error()
}

// bring tries one notice. Its error comes only from NATS, and means that the notice comes again.
func (o *Outlet) bring(ctx context.Context, m jetstream.Msg) error {
	n, ok, err := o.read(ctx, m)
	if err != nil || !ok {
		return err
	}
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("read what comes with a notice: %w", err)
	}
	attempt := int(meta.NumDelivered)
	return o.settle(ctx, held{n, m}, attempt, o.Channel.Send(ctx, n, attempt))
}

// settle keeps what came of a notice, and has it handed out again if it did not arrive.
func (o *Outlet) settle(ctx context.Context, h held, attempt int, err error) error {
	log := o.Log.With(zap.Uint64("notice", h.Sequence))
	switch {
	case errors.Is(err, ErrNobody):
		o.note(ctx, h.Notice, Nobody, attempt, nil)
	case errors.Is(err, ErrUndeliverable):
		log.Error("a notice cannot arrive, and is dropped", zap.Error(err))
		o.note(ctx, h.Notice, Dropped, attempt, err)
		return h.message.Term()
	case err != nil:
		again := tries.Delay(attempt, rand.Float64())
		log.Warn("a notice did not arrive, and is tried again", zap.Int("attempts", attempt), zap.Duration("wait", again), zap.Error(err))
		o.note(ctx, h.Notice, Again, attempt, err)
		return h.message.NakWithDelay(again)
	default:
		o.note(ctx, h.Notice, Arrived, attempt, nil)
	}
	// The answer is waited for: without it somebody may be told twice.
	return h.message.DoubleAck(context.WithoutCancel(ctx))
}
