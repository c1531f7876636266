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
	"github.com/saumer/saumer/slots"
)

// maxTasks bounds the tasks, where events are for many webhooks. An account has fewTasks in any case.
const maxTasks, fewTasks = 50_000, 100

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
	wakes    *wakes
	options  *Options
	// begun is signalled when a task comes after a time without.
	begun chan struct{}
	// wg counts the tasks, and the events that are not in their lanes yet.
	wg sync.WaitGroup
	// unwritable bounds what is said of backlogs that nobody here can change.
	unwritable rate.Sometimes
}

func newLanes(mu *sync.Mutex, f *inflight, a *acks, w *wakes, o *Options) *lanes {
	return &lanes{
		mu: mu, lanes: map[string]*lane{}, inflight: f, acks: a, wakes: w, options: o,
		begun: make(chan struct{}, 1), unwritable: rate.Sometimes{First: 1, Interval: time.Minute},
	}
}

// later has an event handed to its lanes once its account has room for more deliveries, by a call of to; false if it has by
// now.
func (l *lanes) later(e *inflightEvent, to func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.crowdedLocked(e.account) {
		return false
	}
	l.wg.Add(1)
	e.account.later = append(e.account.later, func() {
		defer l.wg.Done()
		to()
	})
	return true
}

// crowdedLocked says whether an account has more deliveries under way than its share. Worker.mu is held.
func (l *lanes) crowdedLocked(a *account) bool {
	return slots.Over(a.tasks, max(maxTasks-l.tasks, fewTasks))
}

// moreLocked has the next event of an account handed to its lanes if one waits and may. Worker.mu is held.
func (l *lanes) moreLocked(a *account) {
	if len(a.later) > 0 && !l.crowdedLocked(a) {
		next := a.later[0]
		a.later = a.later[1:]
		go func() {
			next()
			l.mu.Lock()
			l.moreLocked(a)
			l.mu.Unlock()
		}()
	}
}

// passing are tasks that go to their webhooks' backlogs without an attempt.
type passing map[*lane][]*task

// add hands an event to a webhook's lane, or adds the task to those that pass it by.
func (l *lanes) add(hard context.Context, e *inflightEvent, s *registry.Subscription, by passing) {
	l.mu.Lock()
	t := l.addLocked(e, s)
	covered := t.begun
	l.mu.Unlock()
	if covered {
		by[t.lane] = append(by[t.lane], t)
		return
	}
	l.options.Slots.Go(t.lane.key, s.Target.MaxInFlight, func() { l.attempt(hard, t) })
}

// addLocked makes the task of an event in a webhook's lane; it is begun if the event goes to the backlog without an
// attempt. Worker.mu is held.
func (l *lanes) addLocked(e *inflightEvent, s *registry.Subscription) *task {
	to := l.lanes[s.Target.Key]
	if to == nil {
		to = &lane{key: s.Target.Key, account: e.account, why: delivery.Slow}
		l.lanes[to.key] = to
		e.account.lanes[to] = true
	}
	now := time.Now()
	to.stay(s, now)
	// The last events before the range of an inactive webhook are not for the live path either, nor those of an ordered
	// one before its range.
	covered := to.leaving || !s.Webhook.Active || s.Webhook.Settings.Ordered || s.Locked
	t := &task{event: e, to: s, lane: to, since: now, begun: covered}
	to.add(t)
	e.undone++
	l.wg.Add(1)
	e.account.tasks++
	if l.tasks++; l.tasks == 1 {
		signal(l.begun)
	}
	return t
}

// done takes tasks of one lane out of it; ok is false if the events could neither be delivered nor handed over.
func (l *lanes) done(ok bool, tasks ...*task) {
	l.mu.Lock()
	for _, t := range tasks {
		l.doneLocked(t, ok)
	}
	l.mu.Unlock()
	l.wg.Add(-len(tasks))
}

// doneLocked is done without the word to those who wait for all tasks. Worker.mu is held.
func (l *lanes) doneLocked(t *task, ok bool) {
	from := t.lane
	from.remove(t)
	if from.oldest == nil && from.streak == 0 && from.failed == 0 && !from.leaving {
		l.removeLocked(from)
	}
	l.tasks--
	from.account.tasks--
	l.moreLocked(from.account)
	l.acks.doneLocked(t.event, ok)
	l.inflight.accounts.left(from.account)
}

// removeLocked forgets a lane without tasks. Worker.mu is held.
func (l *lanes) removeLocked(of *lane) {
	delete(l.lanes, of.key)
	delete(of.account.lanes, of)
	l.inflight.accounts.left(of.account)
}

// handOver gives what waits in some lanes to their backlogs, without an attempt, for a reason. Where nothing waits, the backlog
// is told that the webhook is to leave.
func (l *lanes) handOver(ctx context.Context, why delivery.Outcome, some ...*lane) {
	by := passing{}
	l.mu.Lock()
	for _, from := range some {
		by[from] = from.leave(why)
	}
	l.mu.Unlock()
	l.pass(ctx, by)
}

// pass hands tasks over that have no attempt. Those of a webhook are one write, and nobody waits for it.
func (l *lanes) pass(ctx context.Context, by passing) {
	for from, tasks := range by {
		go func() {
			why := l.why(from)
			if len(tasks) == 0 {
				l.report(ctx, from.key, why)
				return
			}
			attempts := make([]delivery.Attempt, len(tasks))
			for i, t := range tasks {
				attempts[i] = l.passed(t, why)
			}
			l.cover(ctx, tasks, attempts, 0)
		}()
	}
}

// why is for what reason events pass a lane.
func (l *lanes) why(from *lane) delivery.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return from.why
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
		for _, s := range slow {
			l.options.Log.Info("a webhook is slow; its events go through its backlog", zap.String("webhook", s.key))
		}
		l.handOver(context.WithoutCancel(hard), delivery.Slow, slow...)
	}
}

// slow returns the lanes whose webhooks became slow, and begins to count anew what is done in each lane.
func (l *lanes) slow(now time.Time) []*lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	var slow []*lane
	for key, of := range l.lanes {
		if of.oldest == nil && of.streak == 0 && now.Sub(of.failedAt) > memory {
			delete(l.lanes, key)
			delete(of.account.lanes, of)
			l.inflight.accounts.left(of.account)
		}
		if !of.leaving && of.oldest != nil && now.Sub(of.oldest.since) > lookEvery && of.slow(now, l.options.Slots.Full(of.key)) {
			slow = append(slow, of)
		}
		of.moved = false
		if of.oldest == nil && of.streak == 0 && now.Sub(of.since) > leavingTime {
			l.removeLocked(of)
		}
	}
	return slow
}
