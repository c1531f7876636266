// Package runner works backlogs off: it takes over events from the live path, attempts what is due, takes webhooks off the
// live path and gives them back, and deactivates those whose endpoint has failed for too long.
//
// What is to be done is decided by package backlog. A runner asks, does it, and writes down what came of it.
package runner

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/slots"
)

// Notifier tells people.
type Notifier interface {
	// Tell returns once the notice is stored, and is idempotent. Buffered is how many events wait for the webhook.
	Tell(ctx context.Context, w registry.Webhook, n backlog.Notice, buffered uint64) error
}

// Prober tries whether hosts accept connections.
type Prober interface {
	// Probe says whether the target's host can be reached: then the outcome is delivery.Delivered. It sends no request.
	Probe(ctx context.Context, t delivery.Target) delivery.Attempt
}

// Sender makes and logs one attempt.
type Sender interface {
	Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt
	// Outage says since when the network seems to be down on our side; false if it does not.
	Outage() (since time.Time, down bool)
	// AssumeOutage has Outage say so until a host answers, if none has yet; a zero time takes that back.
	AssumeOutage(since time.Time)
	// SucceededSince says whether the attempt log of a webhook shows a success that began after t.
	SucceededSince(ctx context.Context, key string, t time.Time) (bool, error)
	// Untaken are the events that the attempt log of a webhook shows to have failed and not to be taken.
	Untaken(ctx context.Context, key string) ([]delivery.Untaken, error)
}

// Options of the runners.
type Options struct {
	Broker   *broker.Broker
	Registry *registry.Registry
	Sender   Sender
	Slots    *slots.Slots
	Notifier Notifier
	Prober   Prober
	Rules    backlog.Rules
	// MaxInFlight is the default bound of attempts in flight to one webhook.
	MaxInFlight int
	// Grace is how long a stop waits for attempts in flight.
	Grace time.Duration
	// Pull is how long a fetch waits for wakes.
	Pull time.Duration
	// Sweep is how often backlogs are looked for whose wake was lost.
	Sweep time.Duration
	// Owner names this process in leases.
	Owner string
	Log   *zap.Logger
}

var (
	// errHeld is returned where another runner has the lease.
	errHeld = errors.New("another runner has the lease")
	// errBack is returned where the record is older than what this runner wrote.
	errBack = errors.New("the backlog's record went back")
	// errQuiet is returned where nothing is to be done yet, and nothing was written.
	errQuiet = errors.New("there is nothing to do yet")
	// errMore is returned by the last write of a pass when there is something to do at once.
	errMore = errors.New("there is more to do")
)

// runner works one backlog off. All its state belongs to one goroutine; attempts report over results.
type runner struct {
	Options
	store   replay.Store
	key     string
	log     *zap.Logger
	webhook registry.Webhook
	target  delivery.Target
	// interest says which events are for the webhook.
	interest registry.Interest

	// record is what was last read or written, at revision, with the tries and probes taken in that came after it. It is
	// stale if it has to be read again: then these are taken in again.
	record   backlog.Record
	revision uint64
	tries    []backlog.Try
	probes   []func(*backlog.Record)
	stale    bool
	// removed is true once the record was removed, since nothing was outstanding.
	removed bool
	saved   time.Time
	// kept are the spans of the record as it was last read or written.
	kept []backlog.Span
	// fresh counts the successes since it was written.
	fresh int
	// until is the end of the lease, in nanoseconds since 1970, for the attempts that wait for a slot.
	until atomic.Int64

	// attempts ends when attempts in flight are to be cut. What is read and written goes on until it is done.
	attempts context.Context
	feed     feed
	results  chan result
	// floor is, for an ordered webhook, up to where the live path has handed over all that it is to.
	floor uint64
	// window is how many attempts may be under way, up to limit: it begins with one and grows as the endpoint accepts.
	window, limit int
	// proven is true once the endpoint has accepted an event in this pass.
	proven bool
	// stopped is true if no further attempt is to begin.
	stopped bool
}

// run works off the backlog of a key until nothing is due, the endpoint fails, or ctx ends, and sees to the next wake.
// Attempts under way are waited for until hard ends, which cuts them.
func run(ctx, hard context.Context, o Options, key string) error {
	r := &runner{Options: o, store: replay.NewStore(o.Broker), key: key, window: 1, attempts: hard, log: o.Log.With(zap.String("webhook", key))}
	for {
		if err := r.pass(ctx, context.WithoutCancel(hard)); !errors.Is(err, errMore) {
			return err
		}
	}
}

// pass is one way through: take the lease, do what is to be done, attempting what is due once, and give the lease back. Ctx
// says when to stop; what is read and written has the lasting context.
func (r *runner) pass(ctx, lasting context.Context) error {
	err := r.begin(lasting)
	switch {
	case errors.Is(err, errHeld), errors.Is(err, record.ErrNotFound):
		return nil
	case errors.Is(err, errQuiet):
		return r.store.Wake(lasting, r.key, &r.record)
	}
	for worked := false; err == nil; {
		step, _ := r.record.Next(r.Broker.Now())
		if step == backlog.Work && (worked || ctx.Err() != nil) || step == backlog.TryHost && r.attempts.Err() != nil {
			step = backlog.Wait
		}
		switch {
		case step == backlog.Wait, step == backlog.Remove:
			return r.end(ctx, lasting)
		case r.feed.working():
			err = r.settle(lasting)
		default:
			err = r.step(ctx, lasting, step)
			worked = worked || step == backlog.Work
		}
	}
	return r.abandon(lasting, err)
}

// step does one thing that is to be done.
func (r *runner) step(ctx, lasting context.Context, step backlog.Step) error {
	switch step {
	case backlog.Tell:
		return r.tell(lasting)
	case backlog.Open:
		return r.openSpan(lasting)
	case backlog.Judge:
		return r.judge(lasting)
	case backlog.Work:
		return r.work(ctx, lasting)
	case backlog.TryHost:
		r.tryHost()
	}
	return nil
}

// lapsed says whether the lease ends so soon, or has ended, that no attempt is to begin.
func (r *runner) lapsed() bool { return r.Broker.Now().UnixNano() > r.until.Load()-int64(margin) }
