package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
)

const (
	// attention is how long a request takes before it is asked, and then each time, whether NATS answers at all; answering is how
	// long that may take. A request whose NATS has gone silent ends within both.
	attention = time.Second
	answering = 1500 * time.Millisecond
)

// silence is the cause of a request's end while NATS does not answer.
type silence struct{}

func (silence) Error() string        { return "NATS does not answer" }
func (silence) Timeout() bool        { return true }
func (silence) Is(target error) bool { return target == context.DeadlineExceeded }

// Attend returns a context for a request that ends once NATS has gone silent under it. Call the function when the request is done.
func (s *Service) Attend(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	var timer *time.Timer
	ready := make(chan struct{})
	timer = time.AfterFunc(attention, func() {
		<-ready
		look, done := context.WithTimeout(ctx, answering)
		defer done()
		if err := s.o.Stream.Answers(look); errors.Is(err, context.DeadlineExceeded) {
			cancel(silence{})
		} else if ctx.Err() == nil {
			timer.Reset(attention)
		}
	})
	close(ready)
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// Overdue is the error of a request whose context ended because its time was over, or because NATS had gone silent: it may be
// done or not. Any other is returned as it is.
func Overdue(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || !errors.Is(err, context.Canceled) || !errors.Is(cause, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// begun is the error of a later step of what was begun: that this step was not done does not mean that nothing was.
func begun(err error) error {
	if broker.Unavailable(err) || errors.Is(err, registry.ErrIndex) {
		return fmt.Errorf("%w: %s", overtime{}, err)
	}
	return err
}
