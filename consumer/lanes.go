package consumer

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/lifetime"
	"github.com/saumer/saumer/registry"
)

// maxTasks bounds the tasks, where events are for many webhooks; once there are as many, others are added when there
// are no more than fewerTasks.
const maxTasks, fewerTasks = 50_000, 45_000

// lanes owns the webhooks' lanes: it attempts each delivery once, and hands over to the backlogs what fails or waits for
// too long.
type lanes struct {
	// mu is Worker.mu. It guards lanes and tasks, and each lane.
	mu    *sync.Mutex
	lanes map[string]*lane
	// tasks is how many all lanes have.
	tasks int

	inflight *inflight
	acks     *acks
	options  *Options
	// freed is signalled when there is room for another task, and begun when a task comes after a time without.
	freed, begun chan struct{}
	// wg counts the tasks.
	wg sync.WaitGroup
	// unwritable bounds what is said of backlogs that nobody here can change.
	unwritable rate.Sometimes
}

func newLanes(mu *sync.Mutex, f *inflight, a *acks, o *Options) *lanes {
	return &lanes{
		mu: mu, lanes: map[string]*lane{}, inflight: f, acks: a, options: o,
		freed: make(chan struct{}, 1), begun: make(chan struct{}, 1), unwritable: rate.Sometimes{First: 1, Interval: time.Minute},
	}
}

// add hands an event to a webhook's lane. It waits while there are too many tasks.
func (l *lanes) add(ctx, hard context.Context, e *inflightEvent, s *registry.Subscription) {
	for {
		l.mu.Lock()
		if l.tasks < maxTasks || ctx.Err() != nil {
			break
		}
		l.mu.Unlock()
		select {
		case <-l.freed:
		case <-ctx.Done():
		}
	}
	t := l.addLocked(e, s)
	covered := t.begun
	l.mu.Unlock()
	if covered {
		go l.cover(context.WithoutCancel(hard), t, l.passed(t, delivery.Slow), 0)
		return
	}
	l.options.Slots.Go(t.lane.key, s.Target.MaxInFlight, func() { l.attempt(hard, t) })
}

// addLocked makes the task of an event in a webhook's lane; it is begun if the event goes to the backlog without an
// attempt. Worker.mu is held.
func (l *lanes) addLocked(e *inflightEvent, s *registry.Subscription) *task {
	to := l.lanes[s.Target.Key]
	if to == nil {
		to = &lane{key: s.Target.Key}
		l.lanes[to.key] = to
	}
	// The last events before the range of an inactive webhook are not for the live path either, nor those of an ordered
	// one before its range.
	covered := to.leaving || !s.Webhook.Active || s.Webhook.Settings.Ordered || s.Locked
	t := &task{event: e, to: s, lane: to, since: time.Now(), begun: covered}
	to.add(t)
	e.undone++
	l.wg.Add(1)
	if l.tasks++; l.tasks == 1 {
		signal(l.begun)
	}
	return t
}

// done takes a task out of its lane; ok is false if the event could neither be delivered nor handed over.
func (l *lanes) done(t *task, ok bool) {
	l.mu.Lock()
	l.doneLocked(t, ok)
	l.mu.Unlock()
	l.wg.Done()
}

// doneLocked is done without the word to those who wait for all tasks. Worker.mu is held.
func (l *lanes) doneLocked(t *task, ok bool) {
	from := t.lane
	from.remove(t)
	if from.oldest == nil && from.streak == 0 {
		delete(l.lanes, from.key)
	} else if from.oldest == nil {
		from.leaving = false
	}
	if l.tasks--; l.tasks == fewerTasks {
		signal(l.freed)
	}
	l.acks.doneLocked(t.event, ok)
}

// handOver gives what waits in some lanes to their backlogs, without an attempt.
func (l *lanes) handOver(ctx context.Context, outcome delivery.Outcome, some ...*lane) {
	var waiting []*task
	l.mu.Lock()
	for _, from := range some {
		waiting = append(waiting, from.leave()...)
	}
	l.mu.Unlock()
	for _, t := range waiting {
		go l.cover(ctx, t, l.passed(t, outcome), 0)
	}
}

// cutOff gives what waits in all lanes to their backlogs, because of our own stop.
func (l *lanes) cutOff(ctx context.Context) {
	l.mu.Lock()
	all := slices.Collect(maps.Values(l.lanes))
	l.mu.Unlock()
	l.handOver(ctx, delivery.Aborted, all...)
}

// empty says whether there are no tasks.
func (l *lanes) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tasks == 0
}

// watch looks for webhooks that keep the live path waiting, and hands what waits for them to their backlogs, until the
// context ends.
func (l *lanes) watch(ctx, hard context.Context) {
	for await(ctx, l.begun, l.empty) && lifetime.Sleep(ctx, lookEvery) {
		slow := l.slow(time.Now())
		l.handOver(context.WithoutCancel(hard), delivery.Slow, slow...)
		for _, s := range slow {
			l.options.Log.Info("a webhook is slow; its events go through its backlog", zap.String("webhook", s.key))
			go l.report(context.WithoutCancel(hard), s.key)
		}
	}
}

// slow returns the lanes whose webhooks became slow, and begins to count anew what is done in each lane.
func (l *lanes) slow(now time.Time) []*lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	var slow []*lane
	for _, of := range l.lanes {
		if !of.leaving && of.oldest != nil && now.Sub(of.oldest.since) > lookEvery && of.slow(now, l.options.Slots.Full(of.key)) {
			slow = append(slow, of)
		}
		of.moved = false
	}
	return slow
}
