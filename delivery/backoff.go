package delivery

import (
	"math"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Backoff is the exponential policy between attempts.
type Backoff struct {
	// Initial is the delay after the first failure, Max the longest, jitter included.
	Initial, Max time.Duration
}

const (
	multiplier = 2.0
	jitter     = 0.2 // a delay is drawn from ±20 % around the exponential one
)

// Delay is how long to wait after the attempt of this number, from 1, failed. It is a pure function of the number and
// of random, which is in [0, 1); the policy is that of cenkalti/backoff, which keeps its own state and draws its own
// random numbers and so is asked only for the step.
func (b Backoff) Delay(attempt int, random float64) time.Duration {
	policy := backoff.ExponentialBackOff{
		InitialInterval: b.Initial,
		Multiplier:      multiplier,
		MaxInterval:     b.Max,
		MaxElapsedTime:  0, // never gives up: deactivation decides that
		Stop:            backoff.Stop,
		Clock:           backoff.SystemClock,
	}
	policy.Reset()
	delay := b.Initial
	// Beyond 64 doublings every delay is the longest one.
	for range min(max(attempt, 1), 64) {
		delay = policy.NextBackOff()
	}
	delay = time.Duration(math.Round(float64(delay) * (1 - jitter + 2*jitter*random)))
	return min(delay, b.Max)
}

// Wait is Delay, longer where the endpoint asked for that, up to Max.
func (b Backoff) Wait(attempt int, retryAfter time.Duration, random float64) time.Duration {
	return max(b.Delay(attempt, random), min(retryAfter, b.Max))
}
