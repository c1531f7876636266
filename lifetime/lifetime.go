// Package lifetime is how what is long-lived goes on and ends: it tries again what failed, and it stops in two stages.
//
// A stop has two stages. First nothing new is begun, and what is under way is waited for, for a grace. Then that is cut
// off, and what it leaves is still written.
package lifetime

import (
	"context"
	"errors"
	"time"
)

// ErrStopped is the cause of the end of a context that our own stop cut off.
var ErrStopped = errors.New("saumer stops")

// Hard makes the context of what a stop waits for: it has the values of ctx and goes on when ctx ends, until cut is
// called; then its cause is ErrStopped. Call cut in any case.
func Hard(ctx context.Context) (hard context.Context, cut func()) {
	hard, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	return hard, func() { cancel(ErrStopped) }
}

// Drain is the second stage of a stop. It returns once wait has returned, which it calls once. If that takes longer than
// the grace, it calls cut first and goes on waiting.
func Drain(grace time.Duration, wait, cut func()) {
	done := make(chan struct{})
	go func() { wait(); close(done) }()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		cut()
		<-done
	}
}

// Waits is how long to wait before the next try: First after one failure, twice as long after each further one in a
// row, up to Longest.
type Waits struct{ First, Longest time.Duration }

// Retry calls try until it succeeds: then it returns nil. It returns the cause of the context's end if that comes first.
// It tells failed, unless that is nil, of each error.
func Retry(ctx context.Context, w Waits, try func() error, failed func(error)) error {
	for wait := w.First; ; wait = min(2*wait, w.Longest) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failed != nil {
			failed(err)
		}
		if !Sleep(ctx, wait) {
			return context.Cause(ctx)
		}
	}
}

// Repeat calls do again and again until the context ends; after an error it waits first, and tells failed of the error.
func Repeat(ctx context.Context, w Waits, do func() error, failed func(error)) {
	wait := w.First
	for ctx.Err() == nil {
		err := do()
		switch {
		case err == nil:
			wait = w.First
		case ctx.Err() == nil:
			failed(err)
			Sleep(ctx, wait)
			wait = min(2*wait, w.Longest)
		}
	}
}

// Sleep waits, and says whether the whole time has passed: false if the context ended before.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
