package runner

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/replay"
)

// runners bounds the backlogs that one process works off at once. One account has half of them at most.
const runners = 2000

// fetchWaits is how long to wait after a fetch of wakes that failed.
var fetchWaits = lifetime.Waits{First: time.Second, Longest: time.Second}

// Worker takes wakes and runs the backlogs they are for.
type Worker struct {
	options Options
	store   replay.Store

	mu sync.Mutex
	queue
	// wg counts the backlogs under way, and the sweep.
	wg sync.WaitGroup
	// lostAll has a word when all wakes may be lost.
	lostAll chan struct{}
}

// NewWorker makes a worker.
func NewWorker(o Options) *Worker {
	return &Worker{options: o, store: replay.NewStore(o.Broker), queue: newQueue(runners), lostAll: make(chan struct{}, 1)}
}

// WakeAll has every backlog woken at its time, as after a start: the wakes may be lost. It does not block.
func (w *Worker) WakeAll() {
	select {
	case w.lostAll <- struct{}{}:
	default: // it is to be done already
	}
}

// Run takes wakes until the context ends. Then it waits for the attempts in flight, for the grace at most; those that
// are left are cut, and count for nothing. All backlogs are given back before it returns.
func (w *Worker) Run(ctx context.Context) error {
	hard, cut := lifetime.Hard(ctx)
	defer cut()
	w.wg.Go(func() { w.sweeps(ctx) })
	w.wg.Go(func() { w.watchNetwork(ctx) })
	w.wg.Go(func() { w.losses(ctx) })
	lifetime.Repeat(ctx, fetchWaits, func() error { return w.fetch(ctx, hard) }, func(err error) {
		w.options.Log.Warn("wakes were not fetched", zap.Error(err))
	})
	w.leaveWaiting(hard)
	lifetime.Drain(w.options.Grace, w.wg.Wait, func() {
		// Only the attempts are cut; what they leave is still written.
		w.options.Log.Warn("attempts of backlogs are cut off: the grace is over")
		cut()
	})
	return nil
}

func (w *Worker) fetch(ctx, hard context.Context) error {
	fetched, err := w.options.Broker.Wakes.Fetch(100, broker.Waiting(w.options.Pull)...)
	if err != nil {
		return err
	}
	messages := fetched.Messages()
	for {
		select {
		case <-ctx.Done():
			for m := range messages {
				w.giveBack(m)
			}
			return nil
		case m, ok := <-messages:
			if !ok {
				return fetched.Error()
			}
			w.wake(ctx, hard, broker.WokenKey(m))
			// From here on the sweeps make up for a crash.
			if err := m.Ack(); err != nil {
				w.options.Log.Warn("a wake was not acknowledged, and comes again", zap.Error(err))
			}
		}
	}
}

// giveBack has a wake handed out again, to another process.
func (w *Worker) giveBack(m jetstream.Msg) {
	if err := m.Nak(); err != nil {
		w.options.Log.Debug("a wake comes again only after the ack wait", zap.Error(err))
	}
}

// leaveWaiting has the backlogs that wait here looked at by another process.
func (w *Worker) leaveWaiting(ctx context.Context) {
	w.mu.Lock()
	keys := w.leave()
	w.mu.Unlock()
	for _, key := range keys {
		if err := w.options.Broker.Wake(ctx, key); err != nil {
			w.options.Log.Warn("backlogs wait for a sweep", zap.Error(err))
			return
		}
	}
}

// has says whether a backlog is under way in this process, or waits for it.
func (w *Worker) has(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, here := w.keys[key]
	return here
}

// wake has a backlog worked off when it is its turn.
func (w *Worker) wake(ctx, hard context.Context, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(key)
	w.beginLocked(ctx, hard)
}

// beginLocked begins with whatever may run, until ctx ends. mu is held.
func (w *Worker) beginLocked(ctx, hard context.Context) {
	for ctx.Err() == nil {
		key, ok := w.next()
		if !ok {
			return
		}
		w.wg.Go(func() { w.work(ctx, hard, key) })
	}
}

// work works a backlog off, in the place that it has.
func (w *Worker) work(ctx, hard context.Context, key string) {
	if err := run(ctx, hard, w.options, key); err != nil {
		w.options.Log.Warn("a backlog was not worked off, and is tried again", zap.String("webhook", key), zap.Error(err))
	}
	w.mu.Lock()
	w.ended(key)
	w.beginLocked(ctx, hard)
	w.mu.Unlock()
	if ctx.Err() != nil {
		w.leaveWaiting(context.WithoutCancel(hard))
	}
}
