package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

const (
	// runners bounds the backlogs that one process works off at once.
	runners = 1000
	// overdue is by how much the time of a backlog must have passed for its wake to count as lost.
	overdue = 20 * time.Second
	// rarely is how many sweeps go by until all webhooks are looked at, not only those that have a backlog.
	rarely = 10
)

// fetchWaits is how long to wait after a fetch of wakes that failed.
var fetchWaits = lifetime.Waits{First: time.Second, Longest: time.Second}

// Worker takes wakes and runs the backlogs they are for.
type Worker struct {
	options Options
	store   replay.Store

	mu sync.Mutex
	// running are the backlogs under way in this process; true if another wake came meanwhile.
	running map[string]bool
	places  chan struct{}
	wg      sync.WaitGroup
	// lostAll has a word when all wakes may be lost.
	lostAll chan struct{}
}

// NewWorker makes a worker.
func NewWorker(o Options) *Worker {
	return &Worker{options: o, store: replay.NewStore(o.Broker), running: map[string]bool{}, places: make(chan struct{}, runners), lostAll: make(chan struct{}, 1)}
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
			select {
			case w.places <- struct{}{}:
			case <-ctx.Done():
				w.giveBack(m)
				continue
			}
			w.begin(ctx, hard, broker.WokenKey(m))
			// From here on the lease tells that the backlog is under way, and the sweep makes up for a crash.
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

// begin runs a backlog in the place that was taken for it, unless it is under way.
func (w *Worker) begin(ctx, hard context.Context, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, busy := w.running[key]; busy {
		w.running[key] = true
		<-w.places
		return
	}
	w.running[key] = false
	w.wg.Go(func() {
		defer func() { <-w.places }()
		for again := true; again; {
			if err := run(ctx, hard, w.options, key); err != nil {
				w.options.Log.Warn("a backlog was not worked off, and is tried again", zap.String("webhook", key), zap.Error(err))
			}
			w.mu.Lock()
			if again = w.running[key] && ctx.Err() == nil; again {
				w.running[key] = false
			} else {
				delete(w.running, key)
			}
			w.mu.Unlock()
		}
	})
}

// sweeps looks for backlogs whose wake was lost, at start and then by and by.
func (w *Worker) sweeps(ctx context.Context) {
	// At start nobody knows what a crash has left: everything is woken again, at its time.
	late := time.Duration(0)
	for n := 0; ; {
		if err := w.sweep(ctx, late, n%rarely == 0); err == nil {
			late = overdue
			n++
		} else if ctx.Err() == nil {
			w.options.Log.Warn("backlogs were not looked at for lost wakes", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-w.lostAll:
			late, n = 0, 0
		case <-time.After(w.options.Sweep):
		}
	}
}

// sweep wakes the backlogs that are late by a time; see wake. All says whether webhooks without a backlog are looked at, too.
func (w *Worker) sweep(ctx context.Context, late time.Duration, all bool) error {
	// Asked for the sake of its clock, too: a machine that slept does not know.
	if _, err := w.options.Broker.Bounds(ctx); err != nil {
		return err
	}
	now := w.options.Broker.Now()
	spanned := map[string]bool{}
	err := w.store.Walk(ctx, func(key string, b backlog.Record, err error) error {
		_, open := b.OpenSpan()
		spanned[key] = open || err != nil
		if err == nil {
			err = w.wake(ctx, key, &b, now, late)
		}
		if errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
			w.options.Log.Error("a backlog is left as it is", zap.String("webhook", key), zap.Error(err))
			return nil
		}
		return err
	})
	if err != nil || !all {
		return err
	}
	return w.lost(ctx, spanned)
}

// wake wakes a backlog that is late by a time; with late 0, any backlog at its time.
func (w *Worker) wake(ctx context.Context, key string, b *backlog.Record, now time.Time, late time.Duration) error {
	if b.State == backlog.Parked {
		// An activation that did not come as far as the backlog.
		webhook, err := w.options.Registry.Get(ctx, key)
		if errors.Is(err, record.ErrNotFound) || err == nil && webhook.Active {
			return w.options.Broker.Wake(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	at, never := b.Wake()
	if b.Lease.Owner != "" {
		// Nobody gave it back: its runner is at work, or has crashed, and left who knows what.
		at, never = b.Lease.Until, false
	}
	switch {
	case never:
		return nil
	case late == 0 && at.After(now):
		return w.options.Broker.WakeAt(ctx, key, at)
	case !at.Add(late).After(now):
		return w.options.Broker.Wake(ctx, key)
	}
	return nil
}

// lost wakes the backlogs of webhooks whose range is open and whose span is gone, with the record or without it: spanned are
// the keys of those that have one, or cannot be read.
func (w *Worker) lost(ctx context.Context, spanned map[string]bool) error {
	return w.options.Registry.Walk(ctx, func(webhook registry.Webhook) error {
		if _, open := webhook.Opened(); !open || spanned[webhook.Key()] {
			return nil
		}
		return w.options.Broker.Wake(ctx, webhook.Key())
	})
}
