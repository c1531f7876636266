package replay

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

const (
	// runners bounds the backlogs that one process works off at once.
	runners = 1000
	// sweepEvery is how often backlogs are looked for whose wake was lost, unless the options say otherwise; overdue is
	// by how much their time must have passed.
	sweepEvery = time.Minute
	overdue    = 20 * time.Second
)

// Worker takes wakes and runs the backlogs they are for.
type Worker struct {
	options Options
	store   store

	mu sync.Mutex
	// running are the backlogs under way in this process; true if another wake came meanwhile.
	running map[string]bool
	slots   chan struct{}
	wg      sync.WaitGroup
}

// NewWorker makes a worker.
func NewWorker(o Options) *Worker {
	return &Worker{options: o, store: newStore(o.Broker), running: map[string]bool{}, slots: make(chan struct{}, runners)}
}

// Run takes wakes until the context ends. Then it waits for the attempts under way, for the grace at most; those that
// are left are cut, and count for nothing. All backlogs are given back before it returns.
func (w *Worker) Run(ctx context.Context) error {
	hard, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	w.wg.Go(func() { w.sweeps(ctx) })
	for ctx.Err() == nil {
		if err := w.fetch(ctx, hard); err != nil && ctx.Err() == nil {
			w.options.Log.Warn("fetch wakes", zap.Error(err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	done := make(chan struct{})
	go func() { w.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(w.options.Grace):
	}
	// Only the attempts are cut; what they leave is still written.
	w.options.Log.Warn("attempts of backlogs are cut off: the grace is over")
	cut(errors.New("saumer stops"))
	<-done
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
				_ = m.Nak() // if that fails, the wake comes again after the ack wait
			}
			return nil
		case m, ok := <-messages:
			if !ok {
				return fetched.Error()
			}
			select {
			case w.slots <- struct{}{}:
			case <-ctx.Done():
				_ = m.Nak()
				continue
			}
			w.begin(ctx, hard, broker.WokenKey(m))
			// From here on the lease tells that the backlog is under way, and the sweep makes up for a crash.
			if err := m.Ack(); err != nil {
				w.options.Log.Warn("acknowledge a wake", zap.Error(err))
			}
		}
	}
}

// begin runs a backlog with the slot that was taken for it, unless it is under way.
func (w *Worker) begin(ctx, hard context.Context, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, busy := w.running[key]; busy {
		w.running[key] = true
		<-w.slots
		return
	}
	w.running[key] = false
	w.wg.Go(func() {
		defer func() { <-w.slots }()
		for again := true; again; {
			if err := run(ctx, hard, w.options, key); err != nil {
				w.options.Log.Warn("work off a backlog", zap.String("webhook", key), zap.Error(err))
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
	for {
		if err := w.sweep(ctx, late); err != nil && ctx.Err() == nil {
			w.options.Log.Warn("look for backlogs whose wake was lost", zap.Error(err))
		} else {
			late = overdue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(cmp.Or(w.options.Sweep, sweepEvery)):
		}
	}
}

func (w *Worker) sweep(ctx context.Context, late time.Duration) error {
	// Asked for the sake of its clock, too: a machine that slept does not know.
	if _, err := w.options.Broker.Bounds(ctx); err != nil {
		return err
	}
	now := w.options.Broker.Now()
	return w.options.Broker.Backlogs.Walk(ctx, func(e broker.Entry) error {
		b, err := decode(e.Key, e.Value)
		if err != nil {
			w.options.Log.Error("a backlog's record is left alone", zap.Error(err))
			return nil
		}
		err = w.rouse(ctx, e.Key, b, now, late)
		if errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable) {
			w.options.Log.Error("a backlog is left alone with its webhook", zap.Error(err))
			return nil
		}
		return err
	})
}

// rouse wakes a backlog that is late by so much; with late 0, any backlog at its time.
func (w *Worker) rouse(ctx context.Context, key string, b Backlog, now time.Time, late time.Duration) error {
	if b.Parked {
		// An activation that did not come as far as the backlog.
		webhook, err := w.options.Registry.Get(ctx, key)
		if errors.Is(err, record.ErrNotFound) || err == nil && webhook.Active {
			return w.options.Broker.Wake(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	at, never := b.wake()
	if never {
		return nil
	}
	if b.Lease.Owner != "" && b.Lease.Until.After(at) {
		at = b.Lease.Until
	}
	switch {
	case late == 0 && at.After(now):
		return w.options.Broker.WakeAt(ctx, key, at)
	case !at.Add(late).After(now):
		return w.options.Broker.Wake(ctx, key)
	}
	return nil
}
