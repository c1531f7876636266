package api

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/registry"
)

// silent is a NATS that answers until a time.
type silent struct {
	Events
	until time.Time
}

func (s silent) Answers(ctx context.Context) error {
	if time.Now().Before(s.until) {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// A request ends soon after NATS has gone silent, as one that may be done or not, and not before.
func TestAttend(t *testing.T) {
	t.Parallel()
	for answers, want := range map[time.Duration]time.Duration{0: attention + answering, 5500 * time.Millisecond: 6*attention + answering} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			ctx, leave := NewService(Options{Stream: silent{until: began.Add(answers)}}).Attend(t.Context())
			defer leave()
			<-ctx.Done()
			if took := time.Since(began); took != want {
				t.Errorf("it ended after %v, want %v", took, want)
			}
			if code, _ := GetWebHook.Code(Overdue(ctx, ctx.Err())); code.Code != 98 {
				t.Errorf("it is answered with %d", code.Code)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := NewService(Options{Stream: silent{}}).Attend(t.Context())
		leave()
		time.Sleep(time.Minute)
		if err := Overdue(ctx, ctx.Err()); errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the client left, and that is said to be %v", err)
		}
	})
}

// What was begun is not said to be undone.
func TestBegun(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nats.ErrNoResponders, registry.ErrIndex} {
		if code, _ := DeleteAccount.Code(begun(fmt.Errorf("delete webhook demo.1: %w", err))); code.Code != 98 {
			t.Errorf("%v is answered with %d", err, code.Code)
		}
	}
}
