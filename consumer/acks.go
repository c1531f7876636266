package consumer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/lifetime"
)

// confirming bounds the wait for the last acknowledgements.
const confirming = 5 * time.Second

// acks owns the acknowledgements. Those of events that are done at about the same time are sent by one goroutine, which
// does not have attempts wait for the connection.
//
// NATS acknowledges by the stream sequence in the reply subject; it compares neither the consumer's sequence nor the time
// there. After the stream went back, the acknowledgement of an event would therefore be that of the event which has its
// sequence now. So those that are not sent yet are withdrawn once NATS hands out another event under the sequence, which
// is acknowledged when it is done itself. One that reaches NATS before that acknowledges the
// old event or nothing. What remains is one that was sent before and reaches NATS after, and one of another process: NATS
// counts the new event as acknowledged then, while the process that has it still delivers it. It is lost if that process
// crashes meanwhile.
type acks struct {
	// mu is Worker.mu. It guards queue, last, inflight and pace.
	mu    *sync.Mutex
	queue []ack
	// last is the last one that was taken from the queue; the zero ack if it was withdrawn.
	last     ack
	inflight *inflight
	pace     *pace

	// added is signalled when there is something in the queue.
	added     chan struct{}
	confirmer Acks
	log       *zap.Logger
}

// ack is the acknowledgement of a message.
type ack struct {
	seq uint64
	msg *nats.Msg
}

func newAcks(mu *sync.Mutex, f *inflight, p *pace, confirmer Acks, log *zap.Logger) *acks {
	return &acks{mu: mu, inflight: f, pace: p, added: make(chan struct{}, 1), confirmer: confirmer, log: log}
}

// done counts one delivery of an event as done; ok is false if the event could neither be delivered nor handed over.
func (a *acks) done(e *inflightEvent, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.doneLocked(e, ok)
}

// doneLocked counts one delivery of an event as done, and has the event acknowledged after the last. Worker.mu is held.
func (a *acks) doneLocked(e *inflightEvent, ok bool) {
	if a.inflight.doneLocked(e, ok) {
		a.addLocked(e)
	}
}

// addLocked has an event acknowledged. Worker.mu is held.
func (a *acks) addLocked(e *inflightEvent) { a.queueLocked(ack{e.event.Seq, e.msg}) }

// queueLocked has messages acknowledged. Worker.mu is held.
func (a *acks) queueLocked(more ...ack) {
	if len(a.queue) == 0 && len(more) > 0 {
		signal(a.added)
	}
	a.queue = append(a.queue, more...)
}

// withdrawLocked leaves the acknowledgements of a sequence that are not sent yet. Worker.mu is held.
func (a *acks) withdrawLocked(seq uint64) {
	a.queue = slices.DeleteFunc(a.queue, func(other ack) bool { return other.seq == seq })
	if a.last.seq == seq {
		a.last = ack{}
	}
}

// withdrawAllLocked leaves all acknowledgements that are not sent yet. Worker.mu is held.
func (a *acks) withdrawAllLocked() { a.queue, a.last = nil, ack{} }

// linger says whether acknowledgements wait for others.
func (a *acks) linger() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pace.acksLinger()
}

// take returns the queue, and makes a new one in the room of a spare slice.
func (a *acks) take(spare []ack) []ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.queue
	a.queue = spare[:0]
	if len(taken) > 0 {
		a.last = taken[len(taken)-1]
	}
	return taken
}

// send acknowledges what is in the queue, until the context ends and nothing is left.
func (a *acks) send(ctx context.Context) {
	var taken []ack
	for {
		select {
		case <-a.added:
		case <-ctx.Done():
		}
		if a.linger() {
			lifetime.Sleep(ctx, linger)
		}
		taken = a.take(taken)
		for _, done := range taken {
			if err := done.msg.Ack(); err != nil {
				a.log.Warn("an event was not acknowledged", zap.Uint64("seq", done.seq), zap.Error(err))
			}
		}
		clear(taken)
		if len(taken) == 0 && ctx.Err() != nil {
			return
		}
	}
}

// confirm sees to it that no acknowledgement is lost by the end of an embedded NATS, which takes them in by and by. Call
// it after send.
func (a *acks) confirm(ctx context.Context) {
	a.mu.Lock()
	last := a.last
	a.mu.Unlock()
	if last.msg == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, confirming)
	defer cancel()
	if err := a.confirmer.Confirm(ctx, last.msg.Reply); err != nil {
		a.log.Warn("the last acknowledgements were not confirmed; some events may be sent twice", zap.Error(err))
	}
}
