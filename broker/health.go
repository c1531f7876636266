package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

const (
	// answerKept is how long an answer of Ready holds: whoever asks all the time costs a look a second.
	answerKept = time.Second
	// refusalKept is for how long a write that NATS refused counts where nothing is written any more.
	refusalKept = 30 * time.Second
	// defaultLook is Options.Look where none is given.
	defaultLook = 10 * time.Second
)

// health is what is known of the streams and consumers.
type health struct {
	// refusal is the last write to a stream that NATS could not store, until a write to that stream is stored.
	refusal atomic.Pointer[refusal]
	// ill has a word when there is something to heal.
	ill chan struct{}

	// turn has a place for whoever looks; it guards what follows.
	turn chan struct{}
	at   time.Time
	err  error
}

// refusal is a write that NATS could not store.
type refusal struct {
	kind string // the subject's first part, one a stream
	err  error
	at   time.Time
}

// Ready says why events cannot be accepted or delivered at the moment, or nil. An answer is kept for a second.
func (b *Broker) Ready(ctx context.Context) error {
	if !b.connected() {
		return errAway
	}
	h := &b.health
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if time.Since(h.at) < answerKept {
		return h.err
	}
	err := b.inspect(ctx)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return err // whoever asked did not wait for an answer, and this one says nothing to others
	}
	h.err, h.at = err, time.Now()
	if h.err != nil {
		h.tell()
	}
	return h.err
}

// tell has what is ill healed.
func (h *health) tell() {
	select {
	case h.ill <- struct{}{}:
	default: // it was told
	}
}

// inspect says what is wrong with the streams and consumers.
func (b *Broker) inspect(ctx context.Context) error {
	if err := b.unwritable(); err != nil {
		return err
	}
	missing, err := b.missing(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("NATS has no stream %s any more", strings.Join(missing, ", "))
	}
	if _, err := b.Bounds(ctx); err != nil {
		return err
	}
	errs := []error{b.works(ctx, streamEvents, dispatchName)}
	for _, k := range b.keptConsumers() {
		errs = append(errs, b.works(ctx, k.stream, k.config.Durable))
	}
	return errors.Join(errs...)
}

// works says why a consumer hands out nothing.
func (b *Broker) works(ctx context.Context, stream, name string) error {
	consumer, err := b.JetStream.Consumer(ctx, stream, name)
	if err != nil {
		return fmt.Errorf("ask for the consumer %s: %w", name, err)
	}
	if b.starving.at(name, consumer.CachedInfo()) {
		return fmt.Errorf("the consumer %s hands out nothing though the stream %s has more; it is being made again", name, stream)
	}
	if consumer.CachedInfo().Paused {
		return fmt.Errorf("the consumer %s is paused: `nats consumer resume %s %s` has it go on", name, stream, name)
	}
	return nil
}

// unwritable says why NATS does not store what is written.
func (b *Broker) unwritable() error {
	if r := b.health.refusal.Load(); r != nil && time.Since(r.at) < refusalKept {
		return fmt.Errorf("NATS did not store a message of %s: %w", r.kind, r.err)
	}
	if b.embedded != nil {
		return b.embedded.broken()
	}
	return nil
}

// broken says which stream of the embedded server cannot be written any more. It keeps the error of a write, such as that of
// a disk that was full, for as long as it runs, and answers no publisher meanwhile.
func (e *embedded) broken() error {
	if !e.server.JetStreamEnabled() {
		return errors.New("the embedded NATS has stopped JetStream")
	}
	for _, each := range e.server.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if strings.Contains(each.Error, "write error") {
			return errors.New(each.Error)
		}
	}
	return nil
}

// publishing is JetStream that takes in which writes were refused.
type publishing struct {
	jetstream.JetStream
	broker *Broker
}

// publishing is JetStream on the connection that is published on. An answer to an asynchronous publish that was lost takes up room
// among those that are awaited, which is everybody's, so it is given up.
func (b *Broker) publishing() (publishing, error) {
	js, err := jetstream.New(b.nc, jetstream.WithPublishAsyncTimeout(event.BatchTime),
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, m *nats.Msg, _ *jetstream.PubAck) { b.health.wrote(m.Subject, nil) }),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { b.health.wrote(m.Subject, err) }))
	return publishing{js, b}, err
}

func (p publishing) Publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return p.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, opts...)
}

func (p publishing) PublishMsg(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := p.broker.reachable(); err != nil {
		return nil, err
	}
	ack, err := p.JetStream.PublishMsg(ctx, m, opts...)
	p.broker.health.wrote(m.Subject, err)
	return ack, err
}

func (p publishing) PublishMsgAsync(m *nats.Msg, opts ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	if err := p.broker.reachable(); err != nil {
		return nil, err
	}
	return p.JetStream.PublishMsgAsync(m, opts...)
}

// wrote takes in what came of a write.
func (h *health) wrote(subject string, err error) {
	last := h.refusal.Load()
	if err == nil && last == nil {
		return
	}
	kind, _, _ := strings.Cut(subject, ".")
	switch {
	case err == nil:
		if last.kind == kind {
			h.refusal.CompareAndSwap(last, nil)
		}
	case refused(err):
		h.refusal.Store(&refusal{kind: kind, err: err, at: time.Now()})
		h.tell()
	}
}

// refused says whether an error of a write is about NATS rather than about the message: it has no room, no stream, or
// cannot write.
func refused(err error) bool {
	away := errors.Is(err, errAway) || errors.Is(err, nats.ErrDisconnected)
	return errors.Is(event.Refusal(err), event.ErrFull) || Unavailable(err) && !away
}

// Unavailable says whether an error means that NATS cannot do what it was asked for at the moment, and has not done it: it
// cannot be reached, has no leader, or lacks a stream of ours.
func Unavailable(err error) bool {
	var e jetstream.JetStreamError
	if errors.As(err, &e) && e.APIError() != nil && e.APIError().Code >= http.StatusInternalServerError {
		return true
	}
	for _, known := range []error{
		errAway, nats.ErrNoResponders, jetstream.ErrNoStreamResponse, jetstream.ErrStreamNotFound, jetstream.ErrConsumerNotFound,
		jetstream.ErrBucketNotFound, nats.ErrConnectionClosed, nats.ErrDisconnected, jetstream.ErrTooManyStalledMsgs,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
