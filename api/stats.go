package api

import (
	"context"
	"time"

	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/stats"
)

// Stats sums what came of attempts; *stats.Stats does.
type Stats interface {
	Series(ctx context.Context, account string, steps int, step time.Duration) (stats.Series, error)
}

var _ Stats = (*stats.Stats)(nil)

// Span is how much of the past statistics show.
type Span string

// The spans.
const (
	Hour Span = "hour" // 60 points of a minute
	Day  Span = "day"  // 144 points of ten minutes
)

// Stats are the account's statistics of the last hour or day, the present minute included, over all processes: as many
// points as the span has, oldest first, those in which nothing happened too. It returns ErrSpan.
func (s *Service) Stats(ctx context.Context, acc registry.Account, span Span) (stats.Series, error) {
	switch span {
	case Hour:
		return s.o.Stats.Series(ctx, acc.Name, 60, time.Minute)
	case Day:
		return s.o.Stats.Series(ctx, acc.Name, 144, 10*time.Minute)
	}
	return stats.Series{}, ErrSpan
}

// statsPoint is a point as REST shows it.
type statsPoint struct {
	At          stamp    `json:"at"`
	Delivered   uint64   `json:"delivered"`
	Rejected    uint64   `json:"rejected"`
	Unreachable uint64   `json:"unreachable"`
	P50         *float64 `json:"p50Milliseconds"` // null if nothing was delivered
	P99         *float64 `json:"p99Milliseconds"`
	LagP50      *float64 `json:"lagP50Milliseconds"` // null if nothing but replays was delivered
	LagP99      *float64 `json:"lagP99Milliseconds"`
}

func statsPointOf(p stats.Point) statsPoint {
	shown := statsPoint{At: stamp(p.At), Delivered: p.Delivered, Rejected: p.Rejected, Unreachable: p.Unreachable}
	if p.Delivered > 0 {
		p50, p99 := millis(p.P50), millis(p.P99)
		shown.P50, shown.P99 = &p50, &p99
	}
	if p.LagP50 > 0 {
		p50, p99 := millis(p.LagP50), millis(p.LagP99)
		shown.LagP50, shown.LagP99 = &p50, &p99
	}
	return shown
}

// statsSeries are statistics as REST shows them.
type statsSeries struct {
	Span   Span         `json:"span"`
	Step   int          `json:"stepSeconds"`
	Total  statsPoint   `json:"total"`
	Points []statsPoint `json:"points"`
}

func statsOf(s statistics) statsSeries {
	return statsSeries{s.span, int(s.series.Step / time.Second), statsPointOf(s.series.Total), each(s.series.Points, statsPointOf)}
}
