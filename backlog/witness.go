package backlog

import (
	"math"

	"github.com/saumer/saumer/event"
)

// Witness draws the event that tells first whether an endpoint which failed as a whole takes events again. It is another one
// as often as can be, since those that failed may do so by themselves: one that waits, sequence 0 for none, or, where spans is
// true, one from anywhere in the last span that holds any. Draw is in [0, 1).
func (r *Record) Witness(draw float64) (waits event.Position, spans bool) {
	if !r.Health.Whole || r.Ordered {
		return event.Position{}, false
	}
	least, some := math.MaxInt, []event.Position(nil)
	consider := func(p event.Position, attempts int) {
		if attempts < least {
			least, some = attempts, some[:0]
		}
		if attempts == least {
			some = append(some, p)
		}
	}
	for _, w := range r.Pending {
		consider(w.Position, w.Attempts)
	}
	for _, x := range r.Retries {
		if !x.Cleared {
			consider(x.Position, x.Attempts)
		}
	}
	// In turn, so that neither what waits nor what the spans hold keeps the other from telling.
	spans = len(r.Spans) > 0 && len(r.Done) < MaxDone && (least > 0 || r.Health.Attempts%2 == 1)
	if len(some) > 0 {
		waits = some[int(draw*float64(len(some)))]
	}
	return waits, spans
}
