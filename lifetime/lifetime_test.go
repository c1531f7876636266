package lifetime_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/saumer/saumer/lifetime"
)

var errTry = errors.New("not yet")

var waits = lifetime.Waits{First: time.Second, Longest: 3 * time.Second}

func TestRetryWaitsLongerAndLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		err := lifetime.Retry(t.Context(), waits, func() error {
			if at = append(at, time.Since(begin)); len(at) < 5 {
				return errTry
			}
			return nil
		}, func(err error) {
			if !errors.Is(err, errTry) {
				t.Errorf("told of %v", err)
			}
		})
		want := []time.Duration{0, time.Second, 3 * time.Second, 6 * time.Second, 9 * time.Second}
		if err != nil || !slices.Equal(at, want) {
			t.Errorf("tried at %v with %v, want %v", at, err, want)
		}
	})
}

func TestRetryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, cause)
		defer cancel()
		if err := lifetime.Retry(ctx, waits, func() error { return errTry }, nil); !errors.Is(err, cause) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestRepeatBeginsAnewAfterASuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		var at []time.Duration
		lifetime.Repeat(ctx, waits, func() error {
			at = append(at, time.Since(begin))
			switch len(at) {
			case 3: // after two failures
				return nil
			case 5:
				cancel()
			}
			return errTry
		}, func(error) {})
		want := []time.Duration{0, time.Second, 3 * time.Second, 3 * time.Second, 4 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("done at %v, want %v", at, want)
		}
	})
}

func TestDrainCutsAfterTheGrace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ work, took time.Duration }{
		"within the grace": {time.Second, time.Second},
		"cut off":          {time.Hour, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				hard, cut := lifetime.Hard(ctx)
				defer cut()
				var under sync.WaitGroup
				under.Go(func() { lifetime.Sleep(hard, test.work) })
				stop()
				began := time.Now()
				lifetime.Drain(10*time.Second, under.Wait, cut)
				if took := time.Since(began); took != test.took {
					t.Errorf("stopped after %v, want %v", took, test.took)
				}
				if wasCut := errors.Is(context.Cause(hard), lifetime.ErrStopped); wasCut != (test.work != test.took) {
					t.Errorf("cut off: %v", wasCut)
				}
			})
		})
	}
}
