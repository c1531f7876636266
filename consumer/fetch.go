package consumer

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
)

// fetch takes what is there, up to fetchSize events and fetchBytes, and dispatches it in batches as it comes.
func (w *Worker) fetch(ctx, hard context.Context) error {
	r := w.ahead
	if w.ahead = (request{}); r.pull == nil {
		room, bytes := w.inflight.room(ctx)
		if room == 0 {
			return nil
		}
		var err error
		if r, err = w.ask(room, bytes); err != nil {
			return err
		}
	}
	defer w.leave(r)
	w.setBack(r.pull.Setback())
	batch := make([]*nats.Msg, 0, fetchSize)
	for ctx.Err() == nil {
		m := r.pull.Next(ctx.Done())
		if m == nil {
			break
		}
		batch = w.collect(append(batch[:0], m), r.pull)
		w.askAhead(r.pull.Left(), broker.Pending(batch[len(batch)-1]))
		w.dispatch(ctx, hard, batch, w.handedOut(r.asked))
	}
	err := r.pull.Err()
	if ctx.Err() == nil && err == nil {
		return nil
	}
	ahead := w.ahead
	w.ahead = request{}
	defer w.leave(ahead)
	if ctx.Err() == nil {
		return err
	}
	// A pull that was left would have what is on its way to it come again only after the ack wait.
	for _, left := range []request{r, ahead} {
		if left.pull != nil {
			for m := left.pull.Next(nil); m != nil; m = left.pull.Next(nil) {
				w.giveBack(m)
			}
		}
	}
	return nil
}

// request is a pull, and when it was asked for.
type request struct {
	pull  *broker.Pull
	asked time.Time
}

// ask asks for events.
func (w *Worker) ask(events, bytes int) (request, error) {
	asked := time.Now()
	pull, err := w.Events.Pull(events, bytes, w.Pull)
	return request{pull, asked}, err
}

// askAhead asks for the next events while those of a request are dealt with, if the request leaves some and there is room for
// both: so NATS goes on to hand out meanwhile. Left is how many events the request may still bring.
func (w *Worker) askAhead(left int, pending uint64) {
	if w.ahead.pull != nil || pending <= uint64(left) || !w.inflight.roomFor(left+fetchSize, 2*fetchBytes) {
		return
	}
	ahead, err := w.ask(fetchSize, fetchBytes)
	if err != nil {
		return // it is asked for once more, after the request under way
	}
	w.ahead = ahead
}

// leave ends a request, if it is one.
func (w *Worker) leave(r request) {
	if r.pull == nil {
		return
	}
	if err := r.pull.Close(); err != nil {
		w.Log.Debug("events may come later than they could", zap.Error(err))
	}
}

// atOnce is a time that is over.
var atOnce = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// collect adds the other events that are there to a batch. While many events are done, it waits a linger for more.
func (w *Worker) collect(batch []*nats.Msg, pull *broker.Pull) []*nats.Msg {
	for waited := false; len(batch) < fetchSize; {
		m := pull.Next(atOnce)
		switch {
		case m != nil:
			batch = append(batch, m)
		case !waited && w.inflight.linger(time.Now()):
			waited = true
			time.Sleep(linger) // to be woken by each would cost more than the look-up
		default:
			return batch
		}
	}
	return batch
}

// giveBack has a message handed out again at once.
func (w *Worker) giveBack(m *nats.Msg) {
	if err := m.Nak(); err != nil {
		w.Log.Debug("an event was not given back; it comes again after the ack wait", zap.Error(err))
	}
}

// handedOut is from when on the ack wait of what a fetch brings counts: now, unless the process was held up since it was
// asked for. What lay in a socket meanwhile may be another process's by now.
func (w *Worker) handedOut(asked time.Time) time.Time {
	now := time.Now()
	if now.Sub(asked) > w.Pull+ackMargin {
		return asked
	}
	return now
}
