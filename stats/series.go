package stats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Point is what came of the attempts in a part of time.
type Point struct {
	// At is when it began, in UTC.
	At time.Time
	// Delivered, Rejected and Unreachable count the attempts that were answered with 2xx, that were answered otherwise,
	// and that found an endpoint which takes nothing.
	Delivered, Rejected, Unreachable uint64
	// P50 and P99 are how long half, and 99 of 100, of those that delivered took at the most, to within an eighth; 0 if
	// none did.
	P50, P99 time.Duration
	// LagP50 and LagP99 are how long after their publication half, and 99 of 100, of the events were delivered at the
	// latest, replays aside; to within an eighth, and 0 if none was.
	LagP50, LagP99 time.Duration
}

// Failed is how many attempts failed.
func (p Point) Failed() uint64 { return p.Rejected + p.Unreachable }

// Series is an account's statistics over time.
type Series struct {
	// Step is how long each point's part of time is.
	Step time.Duration
	// Points follow one another without a gap, oldest first. The last is not over yet.
	Points []Point
	// Total is that of all points; it begins with the first.
	Total Point
}

// errSeries is returned for a series that there cannot be.
var errSeries = errors.New("a step is whole minutes, and a series has 1 to 3000")

// maxSteps bounds a series: two days of minutes, for which records are kept.
const maxSteps = 3000

// Series sums the records of all processes, and what this one has not stored yet, over the last steps, the present one
// included; a step is whole minutes. They begin at multiples of the step, those of a day at midnight, by the clock of NATS.
// What was counted more than two days ago is gone. It returns errSeries for a series that there cannot be.
func (s *Stats) Series(ctx context.Context, account string, steps int, step time.Duration) (Series, error) {
	if step < time.Minute || step%time.Minute != 0 || steps < 1 || steps > maxSteps {
		return Series{}, errSeries
	}
	from := s.store.Now().UTC().Truncate(step).Add(-time.Duration(steps-1) * step)
	parts := make([]sums, steps)
	add := func(at time.Time, part *sums) {
		if at.Before(from) {
			return
		}
		// What the clock of another process has in the future belongs to the present.
		parts[min(int(at.Sub(from)/step), steps-1)].add(part)
	}
	// What is not stored yet is read first: what is stored meanwhile is told by its turn, and holds as much or more.
	own := s.own(account)
	// A record is stored when its minute is over, or at a stop; clocks differ a little.
	err := s.store.Stats(ctx, account, from.Add(-time.Minute), func(data []byte) {
		r, part, err := decode(data)
		if err != nil {
			s.unread.Do(func() {
				s.log.Warn("a record of the statistics is skipped", zap.String("account", account), zap.Error(err))
			})
			return
		}
		if r.Owner == s.owner {
			delete(own, r.Turn)
		}
		add(r.At, &part)
	})
	if err != nil {
		return Series{}, fmt.Errorf("sum the statistics of %s: %w", account, err)
	}
	for _, w := range own {
		add(w.at, &w.sums)
	}
	series := Series{Step: step, Points: make([]Point, steps)}
	var total sums
	for i := range parts {
		series.Points[i] = pointOf(from.Add(time.Duration(i)*step), &parts[i])
		total.add(&parts[i])
	}
	series.Total = pointOf(from, &total)
	return series, nil
}

// own is what this process has not stored of an account yet, by turn, what is being counted included.
func (s *Stats) own(account string) map[uint64]waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := map[uint64]waiting{}
	for _, w := range s.waiting {
		if w.account == account {
			own[w.turn] = w
		}
	}
	if c, ok := s.counters.Load(account); ok {
		own[s.turn] = waiting{account: account, turn: s.turn, at: s.minute, sums: c.(*counter).read()}
	}
	return own
}

func pointOf(at time.Time, s *sums) Point {
	return Point{
		At: at, Delivered: s.delivered(), Rejected: s.rejected, Unreachable: s.unreachable,
		P50: s.latency.quantile(0.5), P99: s.latency.quantile(0.99), LagP50: s.lag.quantile(0.5), LagP99: s.lag.quantile(0.99),
	}
}
