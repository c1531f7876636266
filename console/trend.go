package console

import (
	"fmt"
	"math"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/stats"
)

// trend is what came of the attempts over a span of time: drawn, and as a table.
type trend struct {
	Span api.Span
	// Period is the span in words, and Ages are how long ago its beginning, middle and end are.
	Period string
	Ages   [3]string
	Charts []chart
	// Rows are the points in which something happened, the newest first.
	Rows []stats.Point
}

func trendOf(span api.Span, s stats.Series) trend {
	t := trend{Span: span, Period: "last hour", Ages: [3]string{"60 min ago", "30 min ago", "now"}}
	each := "minute"
	if span == api.Day {
		t.Period, t.Ages, each = "last day", [3]string{"24 h ago", "12 h ago", "now"}, "ten minutes"
	}
	n := len(s.Points)
	delivered := row{"Delivered", "good", make([]float64, n)}
	rejected := row{"Rejected", "bad", make([]float64, n)}
	unreachable := row{"Unreachable", "warn", make([]float64, n)}
	p50 := row{"p50", "good", make([]float64, n)}
	p99 := row{"p99", "warn", make([]float64, n)}
	lag50 := row{"p50", "good", make([]float64, n)}
	lag99 := row{"p99", "warn", make([]float64, n)}
	most := 0.0
	for i, p := range s.Points {
		// A part of time that is not over has the rate of the whole.
		delivered.values[i] = float64(p.Delivered) / s.Step.Minutes()
		most = max(most, delivered.values[i])
		rejected.values[i], unreachable.values[i] = float64(p.Rejected), float64(p.Unreachable)
		p50.values[i], p99.values[i] = math.NaN(), math.NaN()
		if p.Delivered > 0 {
			p50.values[i], p99.values[i] = milliseconds(p.P50), milliseconds(p.P99)
		}
		lag50.values[i], lag99.values[i] = math.NaN(), math.NaN()
		if p.LagP50 > 0 {
			lag50.values[i], lag99.values[i] = milliseconds(p.LagP50), milliseconds(p.LagP99)
		}
		if p.Delivered > 0 || p.Failed() > 0 {
			t.Rows = append([]stats.Point{p}, t.Rows...)
		}
	}
	if len(t.Rows) == 0 {
		return t
	}
	all := s.Total
	t.add(bars, chart{
		Title: "Deliveries a minute", Figure: count(all.Delivered) + " in all",
		Summary: fmt.Sprintf("%s delivered in the %s, at most %s a minute.", count(all.Delivered), t.Period, decimal(most)),
	}, delivered)
	t.add(bars, chart{
		Title: "Failures each " + each, Figure: count(all.Failed()) + " in all",
		Summary: fmt.Sprintf("%s attempts failed in the %s: %s rejected, %s unreachable.", count(all.Failed()), t.Period, count(all.Rejected), count(all.Unreachable)),
	}, rejected, unreachable)
	c := chart{Title: "Latency of deliveries", Figure: "none", Summary: "Nothing was delivered in the " + t.Period + "."}
	if all.Delivered > 0 {
		c.Figure = "p50 " + brief(all.P50) + ", p99 " + brief(all.P99)
		c.Summary = fmt.Sprintf("In the %s half of the deliveries took %s at most, 99 of 100 %s.", t.Period, brief(all.P50), brief(all.P99))
	}
	t.add(lines, c, p50, p99)
	c = chart{Title: "Lag of events", Figure: "none", Summary: "No event was delivered in the " + t.Period + ", replays aside."}
	if all.LagP50 > 0 {
		c.Figure = "p50 " + brief(all.LagP50) + ", p99 " + brief(all.LagP99)
		c.Summary = fmt.Sprintf("In the %s half of the events were delivered %s after their publication at the latest, 99 of 100 %s, replays aside.",
			t.Period, brief(all.LagP50), brief(all.LagP99))
	}
	t.add(lines, c, lag50, lag99)
	return t
}

// add adds a chart with its rows drawn.
func (t *trend) add(draw func(...row) ([]shape, []tick), c chart, rows ...row) {
	c.Shapes, c.Ticks = draw(rows...)
	t.Charts = append(t.Charts, c)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
