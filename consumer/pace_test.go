package consumer

import (
	"testing"
	"time"
)

// Events and acknowledgements wait for others only where many come and go.
func TestPace(t *testing.T) {
	t.Parallel()
	const slow, quick = fastEvents - 1, fastEvents
	for name, c := range map[string]struct {
		// before and lately are how many events left in the time before the last one, and in the last one.
		before, lately int
		passed         time.Duration
		inFlight       int
		events, acks   bool
	}{
		"an idle process":                              {0, 0, time.Hour, 0, false, false},
		"few leave, many are in flight":                {slow, slow, linger, window, false, false},
		"enough leave, few are in flight":              {quick, quick, linger, busyEvents - 1, false, true},
		"enough leave, many are in flight":             {quick, quick, linger, busyEvents, true, true},
		"many leave: those of some lingers are few":    {1000, 1000, linger, 1000*busyLingers - 1, false, true},
		"many leave, and more are in flight":           {1000, 1000, linger, 1000 * busyLingers, true, true},
		"it counts by the time that passed":            {0, 10 * quick, 10 * linger, busyEvents, true, true},
		"as many in a longer time are few":             {quick, quick, 2 * linger, window, false, false},
		"it became fast":                               {0, quick, linger, busyEvents, true, true},
		"it became slow":                               {quick, 0, linger, window, false, false},
		"less than a linger changes nothing: fast":     {quick, 0, linger - 1, busyEvents, true, true},
		"less than a linger changes nothing: not fast": {0, 1000, linger - 1, window, false, false},
	} {
		now := time.Unix(1000, 0)
		var p pace
		p.eventsLinger(now, 0)
		leave := func(events int, passed time.Duration) bool {
			for range events {
				p.add()
			}
			now = now.Add(passed)
			return p.eventsLinger(now, c.inFlight)
		}
		leave(c.before, linger)
		if got := leave(c.lately, c.passed); got != c.events || p.acksLinger() != c.acks {
			t.Errorf("%s: events wait: %v, acknowledgements wait: %v", name, got, p.acksLinger())
		}
	}
}
