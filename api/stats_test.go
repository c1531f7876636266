package api

import (
	"encoding/json"
	"testing"
	"time"
)

func TestStats(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.stats.Rejected("other.2")
	u.stats.Delivered("demo.1", 100*time.Millisecond, 2*time.Second)
	for range 2 {
		u.stats.Replayed("demo.1", 100*time.Millisecond)
	}
	u.stats.Unreachable("demo.1")
	type point struct {
		At                               time.Time
		Delivered, Rejected, Unreachable int
		P50Milliseconds, P99Milliseconds *float64
		LagP50Milliseconds               *float64
	}
	for query, want := range map[string]struct {
		span        string
		step, count int
	}{"": {"hour", 60, 60}, "?span=hour": {"hour", 60, 60}, "?span=day": {"day", 600, 144}} {
		_, code, answer := u.rest("demo", "GET", "/v1/stats"+query, "")
		var s struct {
			Span        string
			StepSeconds int
			Total       point
			Points      []point
		}
		if err := json.Unmarshal([]byte(answer), &s); code != 0 || err != nil {
			t.Fatal(code, answer, err)
		}
		if s.Span != want.span || s.StepSeconds != want.step || len(s.Points) != want.count {
			t.Errorf("%q: %s, %d points of %d s", query, s.Span, len(s.Points), s.StepSeconds)
		}
		// It may be a minute later by now.
		if p := s.Total; p.Delivered != 3 || p.Unreachable != 1 || p.Rejected != 0 || p.P50Milliseconds == nil || *p.P50Milliseconds < 88 || *p.P50Milliseconds > 112 {
			t.Errorf("%q: the total is %+v", query, p)
		}
		if lag := s.Total.LagP50Milliseconds; lag == nil || *lag < 1750 || *lag > 2250 || s.Points[0].LagP50Milliseconds != nil {
			t.Errorf("%q: the lag is told as %v", query, lag)
		}
		if p := s.Points[0]; p.P50Milliseconds != nil || p.P99Milliseconds != nil || p.Delivered != 0 || p.At.IsZero() {
			t.Errorf("%q: the first point is %+v", query, p)
		}
	}
}
