package replay

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

const (
	// lease is how long a runner has a backlog to itself without renewing; margin is how long before its end it stops.
	lease  = 10 * time.Second
	margin = 2 * time.Second
	// checkpoint is the longest time for which progress is kept in memory alone, unsaved how much of it: so many
	// deliveries, and those under way, may a crash repeat.
	checkpoint = 200 * time.Millisecond
	unsaved    = 256
	// renewal is how often the lease is renewed without progress.
	renewal = 3 * time.Second
	// slack is how far ahead of the live path a span opens, so that what is handed out meanwhile is not sent twice.
	slack = 50
	// turn is how long one pass goes on before the record is read anew: its retries may be due, its webhook changed.
	turn = 10 * time.Second
	// ahead bounds the finished events above the lowest unfinished one: what a crash may repeat.
	ahead = 1000
)

var (
	// errHeld is returned where another runner has the lease.
	errHeld = errors.New("another runner has the lease")
	// errMore is returned by the last write of a run when there is something to do after all.
	errMore = errors.New("there is more to do")
)

// Notifier tells people.
type Notifier interface {
	// Tell returns once the notice of the news is stored, and is idempotent.
	Tell(ctx context.Context, w registry.Webhook, n registry.News) error
}

// Prober tries whether hosts accept connections.
type Prober interface {
	// Probe says whether the target's host can be reached: then the outcome is delivery.Delivered. It sends no request.
	Probe(ctx context.Context, t delivery.Target) delivery.Attempt
}

// Sender makes and logs one attempt.
type Sender interface {
	Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt
	// Outage says whether most endpoints that were tried lately cannot be reached.
	Outage() bool
	// SucceededSince says whether the attempt log of a webhook shows a success that began after t.
	SucceededSince(ctx context.Context, key string, t time.Time) (bool, error)
}

// Options of the runners.
type Options struct {
	Broker   *broker.Broker
	Registry *registry.Registry
	Sender   Sender
	Slots    *slots.Slots
	Notifier Notifier
	Prober   Prober
	Backoff  delivery.Backoff
	Policy   registry.Policy
	Mode     Deactivate
	// MaxInFlight is the default bound of attempts under way to one webhook.
	MaxInFlight int
	// FailingAfter is how long an endpoint fails before people are told.
	FailingAfter time.Duration
	// Window is how long after a deactivation events are kept for a replay.
	Window time.Duration
	// Grace is how long a stop waits for attempts under way.
	Grace time.Duration
	// Pull is how long a fetch waits for wakes.
	Pull time.Duration
	// Sweep is how often backlogs are looked for whose wake was lost; 0: each minute.
	Sweep time.Duration
	// Owner names this process in leases.
	Owner string
	Log   *zap.Logger
}

// runner works one backlog off, once. All its state belongs to one goroutine; attempts report over results.
type runner struct {
	Options
	store   store
	key     string
	log     *zap.Logger
	webhook registry.Webhook
	target  delivery.Target
	// record is as last read or written, changes what has come since.
	record  Backlog
	changes changes
	saved   time.Time
	// fresh counts the successes since then.
	fresh int
	// until is the end of the lease, for the attempts that wait for a slot; in nanoseconds since 1970.
	until atomic.Int64

	// attempts ends when attempts under way are to be cut; what is read and written goes on until it is done.
	attempts context.Context //nolint:containedctx // of one run, like all of this
	feed     feed
	results  chan result
	// floor is, for an ordered webhook, up to where the live path has handed over all that it is to.
	floor uint64
	// window is how many attempts may be under way: it begins with one, the probe, and grows as the endpoint accepts.
	window, limit int
	// proven is true once the endpoint has accepted an event in this pass; rejection is the last that it did not want.
	proven    bool
	rejection *delivery.Attempt
	// stopped is true if no further attempt is to begin, failed if the endpoint is why.
	stopped, failed bool
}

// result is what came of a parcel: an attempt, or why there was none.
type result struct {
	attempt delivery.Attempt
	missing bool
	err     error
}

// run works off the backlog of a key until nothing is due, the endpoint fails, or ctx ends, and sees to the next wake.
// Attempts under way are waited for until hard ends, which cuts them.
func run(ctx, hard context.Context, o Options, key string) error {
	r := &runner{
		Options: o, store: newStore(o.Broker), key: key, window: 1, attempts: hard, log: o.Log.With(zap.String("webhook", key)),
	}
	for {
		if err := r.pass(ctx, context.WithoutCancel(hard)); !errors.Is(err, errMore) {
			return err
		}
	}
}

// pass is one way through: take the lease, do what is due, give the lease back. Ctx says when to stop; what is read and
// written has the lasting context.
func (r *runner) pass(ctx, lasting context.Context) error {
	switch err := r.begin(lasting); {
	case errors.Is(err, errHeld), errors.Is(err, record.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	err := r.tell(lasting)
	switch {
	case err != nil:
	case r.record.empty():
		return nil
	case r.webhook.Active:
		err = r.work(ctx, lasting)
	default:
		if err = r.park(lasting); err == nil {
			err = r.probe(lasting)
		}
	}
	if err != nil {
		return r.abandon(lasting, err)
	}
	return r.end(ctx, lasting)
}

// begin takes the lease, and then brings record and webhook into line: what is read before may be older than what the
// last runner wrote.
func (r *runner) begin(ctx context.Context) error {
	r.changes, r.stopped, r.failed, r.proven, r.rejection = changes{}, false, false, false, nil
	r.feed = feed{}
	now := r.Broker.Now()
	var err error
	r.record, err = r.store.update(ctx, r.key, must, func(b *Backlog) error {
		if b.Lease.heldByOther(r.Owner, now) {
			return errHeld
		}
		b.Lease = Lease{Owner: r.Owner, Until: now.Add(lease)}
		return nil
	})
	if err != nil {
		return err
	}
	r.saved = time.Now()
	r.until.Store(r.record.Lease.Until.UnixNano())
	fault.At(fault.LeaseTaken)
	if r.webhook, err = r.Registry.Get(ctx, r.key); errors.Is(err, record.ErrNotFound) {
		return errors.Join(r.store.remove(ctx, r.key), err)
	} else if err != nil {
		return err
	}
	if r.target, err = r.Registry.Target(r.webhook); err != nil {
		return err
	}
	if r.limit = r.target.MaxInFlight; r.limit == 0 {
		r.limit = r.MaxInFlight
	}
	if err := r.line(ctx); err != nil {
		return err
	}
	r.results = make(chan result, r.limit)
	if a := r.webhook.Activation; r.webhook.Active && a != nil && (r.record.Parked || !a.At.Equal(r.record.Activated)) {
		if err := r.update(ctx, func(b *Backlog) error {
			b.activate(*a)
			b.Parked = false // by the runner that deactivated, if the activation came before it was done
			return nil
		}); err != nil {
			return err
		}
	}
	return r.reconcile(ctx)
}

// work attempts what is due.
func (r *runner) work(ctx, lasting context.Context) error {
	if r.record.Want {
		if err := r.openSpan(lasting); err != nil {
			return err
		}
	}
	if r.record.Gone {
		return r.decide(lasting)
	}
	if r.Broker.Now().Before(r.record.Next) {
		return nil
	}
	r.feed = newFeed(r.Broker, r.webhook, &r.record, r.Broker.Now(), r.floor)
	tick, turn := time.NewTicker(checkpoint), time.NewTimer(turn)
	defer tick.Stop()
	defer turn.Stop()
	stop := ctx.Done()
	for {
		if err := r.fill(lasting); err != nil {
			return err
		}
		if r.feed.flying() == 0 && (r.stopped || r.feed.dry()) {
			break
		}
		select {
		case res := <-r.results:
			if err := r.take(lasting, res); err != nil {
				return err
			}
		case batch := <-r.feed.batches:
			if err := r.feed.put(batch); err != nil {
				return err
			}
		case <-tick.C:
			if err := r.save(lasting, false); err != nil {
				return err
			}
		case <-turn.C:
			r.stopped = true
		case <-stop:
			r.stopped, stop = true, nil
		}
	}
	if err := r.save(lasting, true); err != nil {
		return err
	}
	if r.failed {
		return r.decide(lasting)
	}
	return nil
}

// fill begins attempts while the window has room, and lets the live path take over again where it can.
func (r *runner) fill(ctx context.Context) error {
	switch idle := r.feed.idle(); {
	case r.record.Ordered || r.stopped || !r.feed.atHead() || !r.proven && !idle:
	case r.proven || r.rejection == nil || r.record.Streak < streakFails:
		if err := r.closeSpan(ctx); err != nil {
			return err
		}
	default:
		// The endpoint rejects everything, and so it did with all that there was to try.
		r.fail(*r.rejection)
	}
	for !r.stopped && r.feed.flying() < min(r.window, r.limit) {
		if r.lapsed() {
			// Held up for too long to be sure that nobody else has taken over: the write tells.
			if err := r.save(ctx, true); err != nil {
				return err
			}
		}
		p, ok := r.feed.next(ctx)
		if !ok {
			return nil
		}
		if r.Registry.Deleted(r.key) {
			r.feed.landed(p.seq)
			return fmt.Errorf("webhook %s: %w", r.key, record.ErrNotFound)
		}
		p.replay = p.replay || p.seq < r.record.Replay
		target, results := r.target, r.results
		r.Slots.Go(r.key, target.MaxInFlight, func() { results <- r.attempt(target, p) })
	}
	return nil
}

// attempt makes one attempt. It uses nothing of the runner that changes.
func (r *runner) attempt(target delivery.Target, p parcel) result {
	if r.lapsed() {
		// It waited for its slot while the process was held up: somebody else may have the backlog by now.
		return result{attempt: delivery.Attempt{Seq: p.seq, Number: p.attempts + 1, Replay: p.replay, Outcome: delivery.Aborted}}
	}
	if p.event == nil {
		e, err := r.Broker.Event(context.WithoutCancel(r.attempts), p.seq)
		if err != nil {
			return result{attempt: delivery.Attempt{Seq: p.seq}, missing: errors.Is(err, broker.ErrNotFound), err: err}
		}
		p.event = &e
	}
	return result{attempt: r.Sender.Attempt(r.attempts, target, delivery.Request{
		Event: p.event.Name, ID: p.event.ID, Seq: p.seq, Data: p.event.Data, Published: p.event.Time, Number: p.attempts + 1, Replay: p.replay,
	})}
}

// lapsed says whether the lease ends so soon, or has ended, that no attempt is to begin.
func (r *runner) lapsed() bool { return r.Broker.Now().UnixNano() > r.until.Load()-int64(margin) }

// end gives the lease back and sees to the next wake, unless there is more to do at once: then errMore.
func (r *runner) end(ctx, lasting context.Context) error {
	fault.At(fault.Worked)
	now := r.Broker.Now()
	b, err := r.store.update(lasting, r.key, must, func(b *Backlog) error {
		if b.Lease.Owner != r.Owner {
			return errHeld
		}
		if at, never := b.wake(); ctx.Err() == nil && !never && !b.empty() && !at.After(now) && !r.feed.blocked {
			return errMore
		}
		b.Lease = Lease{}
		return nil
	})
	switch {
	case errors.Is(err, errHeld), errors.Is(err, record.ErrNotFound):
		return nil
	case err != nil:
		return err
	case b.empty():
		r.log.Debug("the backlog is worked off")
		return nil
	case b.Ordered:
		return r.rest(lasting, &b)
	}
	return r.store.wakeUp(lasting, r.key, &b)
}

// abandon ends a pass that cannot go on, for a reason of our own: it waits for the attempts under way, since what was
// sent is not to be sent again, and gives the lease back for a new try in a second.
func (r *runner) abandon(ctx context.Context, cause error) error {
	for r.feed.flying() > 0 {
		select {
		case res := <-r.results:
			r.feed.landed(res.attempt.Seq)
			switch {
			case res.missing:
				r.changes.settled(res.attempt.Seq)
			case res.err == nil && res.attempt.Outcome == delivery.Delivered:
				r.changes.succeeded(res.attempt)
			default:
				r.changes.cut(res.attempt)
			}
		case <-ctx.Done():
			return errors.Join(cause, context.Cause(ctx))
		}
	}
	r.changes.positions = r.feed.positions()
	err := r.update(ctx, func(b *Backlog) error {
		r.changes.apply(b, r.Backoff)
		b.Lease = Lease{}
		return nil
	})
	if errors.Is(cause, errHeld) || errors.Is(cause, record.ErrNotFound) || errors.Is(err, record.ErrNotFound) {
		return nil // somebody else's now, or nobody's
	}
	return errors.Join(cause, err, r.Broker.WakeAt(ctx, r.key, r.Broker.Now().Add(time.Second)))
}

// update changes the record while the lease is ours: errHeld if it is not, record.ErrNotFound if it is gone.
func (r *runner) update(ctx context.Context, change func(*Backlog) error) error {
	b, err := r.store.update(ctx, r.key, must, func(b *Backlog) error {
		if b.Lease.Owner != r.Owner {
			return errHeld
		}
		b.Lease.Until = r.Broker.Now().Add(lease)
		if err := change(b); err != nil {
			return err
		}
		b.watch(r.FailingAfter)
		return nil
	})
	if err == nil {
		r.record, r.saved, r.fresh = b, time.Now(), 0
		r.until.Store(b.Lease.Until.UnixNano())
	}
	return err
}

// save is the checkpoint: it writes what has changed, and renews the lease now and then, or at once if forced. What
// the live path has handed over meanwhile comes with it.
func (r *runner) save(ctx context.Context, force bool) error {
	r.changes.positions = r.feed.positions()
	if !force && r.changes.none(&r.record) && time.Since(r.saved) < renewal {
		return nil
	}
	if err := r.update(ctx, func(b *Backlog) error { r.changes.apply(b, r.Backoff); return nil }); err != nil {
		return err
	}
	fault.At(fault.Checkpointed)
	r.changes = changes{}
	if _, open := r.record.open(); r.record.Want && !open {
		return r.openSpan(ctx)
	}
	return nil
}
