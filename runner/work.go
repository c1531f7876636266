package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

const (
	// turn is how long one pass goes on before the record is read anew: its retries may be due, its webhook changed.
	turn = 10 * time.Second
	// ahead bounds the finished events above the lowest unfinished one: what a crash may repeat.
	ahead = 1000
)

// result is what came of an item of the feed, by its number.
type result struct {
	number int
	try    backlog.Try
	err    error
}

// work attempts what is due. What came of it is written by settle, or with the end of the pass.
func (r *runner) work(ctx, lasting context.Context) error {
	r.feed = newFeed(r.Broker, r.webhook, &r.record, r.Broker.Now(), r.floor)
	r.feed.interest = r.interest
	if err := r.witness(lasting); err != nil {
		return err
	}
	tick, turn := time.NewTicker(checkpoint), time.NewTimer(turn)
	defer tick.Stop()
	defer turn.Stop()
	stop := ctx.Done()
	for {
		if err := r.fill(lasting); err != nil {
			return err
		}
		if r.feed.flying() == 0 && (r.stopped || r.feed.dry()) {
			return nil
		}
		select {
		case res := <-r.results:
			if err := r.take(lasting, res); err != nil {
				return err
			}
		case b := <-r.feed.batches:
			if b.back != nil {
				r.log.Warn("the stream went back; the backlog goes back with it",
					zap.Uint64("cursor", r.feed.read), zap.Uint64("to", b.back.cursor))
			}
			if err := r.feed.put(b); err != nil {
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
}

// fill begins attempts while the window has room, and gives the webhook back to the live path where that can be.
func (r *runner) fill(ctx context.Context) error {
	if !r.record.Ordered && !r.stopped && r.feed.atHead() && (r.proven || r.feed.idle()) {
		if err := r.closeSpan(ctx); err != nil {
			return err
		}
	}
	for !r.stopped && r.feed.flying() < min(r.window, r.limit) {
		if r.lapsed() {
			// Held up for too long to be sure that nobody else has taken over: the write tells.
			if err := r.save(ctx, true); err != nil {
				return err
			}
		}
		i, ok := r.feed.next(ctx)
		if !ok {
			return nil
		}
		if r.Registry.Deleted(r.key) {
			r.feed.landed(i.number)
			return fmt.Errorf("webhook %s: %w", r.key, record.ErrNotFound)
		}
		target, interest, results := r.target, r.interest, r.results
		r.Slots.Go(r.key, target.MaxInFlight, func() { results <- r.attempt(target, interest, i) })
	}
	return nil
}

// attempt makes one attempt. It uses nothing of the runner that changes.
func (r *runner) attempt(target delivery.Target, interest registry.Interest, i item) result {
	res := result{number: i.number, try: backlog.Try{Witness: i.witness, More: i.more, Attempt: delivery.Attempt{
		Seq: i.Seq, Published: i.Time, Number: i.attempts + 1, Replay: i.replay, Outcome: delivery.Aborted,
	}}}
	if r.lapsed() {
		return res // it waited for its slot while the process was held up: somebody else may have the backlog by now
	}
	if i.event == nil {
		e, err := r.Broker.Event(context.WithoutCancel(r.attempts), i.Seq)
		switch {
		case errors.Is(err, broker.ErrNotFound), err == nil && !i.Time.IsZero() && !e.Position().Is(i.Position):
			res.err = lost(context.WithoutCancel(r.attempts), r.Broker, i.Position, err == nil)
			res.try.Missing = res.err == nil
			return res
		case err != nil:
			res.err = err
			return res
		}
		i.event = &e
	}
	if interest.LeavesOut(i.event) {
		res.try.LeftOut = true
		return res
	}
	res.try.Attempt = r.Sender.Attempt(r.attempts, target, delivery.Request{
		Event: i.event.Name, ID: i.event.ID, Seq: i.Seq, Data: i.event.Data, Published: i.event.Time, Number: i.attempts + 1, Replay: i.replay,
		Hops: i.event.Hops,
	})
	return res
}

// take deals with what came of an attempt.
func (r *runner) take(ctx context.Context, res result) error {
	fault.At(fault.Retried)
	r.feed.landed(res.number)
	t := res.try
	if res.err != nil {
		r.takeIn(t)
		return res.err
	}
	if since, last := r.record.Last(t, &r.Rules); last {
		var err error
		if t.Taken, err = r.Sender.SucceededSince(ctx, r.key, since); err != nil {
			return err
		}
	}
	if r.record.Doubtful(t) {
		if err := r.vouch(ctx); err != nil {
			r.takeIn(t)
			return err
		}
	}
	exhausted := len(r.record.Exhausted.Seqs)
	r.heed(r.takeIn(t))
	switch {
	case t.Missing:
		r.log.Warn("an event of the backlog is not in the stream any more", zap.Uint64("seq", t.Seq), zap.Time("published", t.Published))
	case t.LeftOut:
	case len(r.record.Exhausted.Seqs) > exhausted:
		r.log.Warn("an event is exhausted", zap.Uint64("seq", t.Seq), zap.Int("attempts", t.Number))
	case t.Outcome.Class() == delivery.Success:
		r.window, r.proven = min(r.window+1, r.limit), true
		if r.fresh++; r.fresh >= unsaved {
			return r.save(ctx, false)
		}
	}
	return nil
}

// heed does what an attempt means for those that follow it.
func (r *runner) heed(e backlog.Effect) {
	switch e {
	case backlog.GoOn:
	case backlog.Doubt:
		r.window = max(r.window/2, 1)
	case backlog.Pause:
		r.stopped = true
	case backlog.Fail:
		r.stopped, r.window = true, 1
	}
}
