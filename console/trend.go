package console

import (
	"math"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/stats"
	"github.com/saumer/saumer/words"
)

// trend is what came of the attempts over a span of time: drawn, and as a table.
type trend struct {
	Span api.Span
	// Nothing says that nothing was sent, Now which part of time is not over. Axis are the times below each chart.
	Nothing, Now string
	Axis         [3]time.Time
	Charts       []chart
	// Rows are the points in which something happened, the newest first.
	Rows []stats.Point

	// times are those of all points.
	times []time.Time
}

func trendOf(w *words.Speaker, span api.Span, s stats.Series) trend {
	t := trend{Span: span, Nothing: w.Say("Nothing was sent in the last hour."), Now: w.Say("The pale column at the right is the minute under way.")}
	if span == api.Day {
		t.Nothing, t.Now = w.Say("Nothing was sent in the last day."), w.Say("The pale column at the right is the ten minutes under way.")
	}
	n := len(s.Points)
	for i, p := range s.Points {
		t.times = append(t.times, p.At)
		if i%max(n/2, 1) == 0 && i/max(n/2, 1) < 2 {
			t.Axis[i/max(n/2, 1)] = p.At
		}
		t.Axis[2] = p.At
	}
	delivered := row{w.Say("Delivered"), "good", make([]float64, n)}
	rejected := row{w.Say("Rejected"), "bad", make([]float64, n)}
	unreachable := row{w.Say("Unreachable"), "warn", make([]float64, n)}
	p50 := row{"p50", "good", make([]float64, n)}
	p99 := row{"p99", "warn", make([]float64, n)}
	lag50 := row{"p50", "good", make([]float64, n)}
	lag99 := row{"p99", "warn", make([]float64, n)}
	most := 0.0
	for i, p := range s.Points {
		delivered.values[i] = float64(p.Delivered)
		most = max(most, delivered.values[i]/s.Step.Minutes())
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
	t.charts(w, s.Total, most, delivered, rejected, unreachable)
	t.durations(w, s.Total, [2]row{p50, p99}, [2]row{lag50, lag99})
	return t
}

// period is the span in words.
func (t *trend) period(w *words.Speaker) string {
	if t.Span == api.Day {
		return w.Say("in the last day")
	}
	return w.Say("in the last hour")
}

// charts adds those of counts.
func (t *trend) charts(w *words.Speaker, all stats.Point, most float64, delivered, rejected, unreachable row) {
	number := func(v float64) string { return w.Number(uint64(v)) }
	c := chart{
		Title: w.Say("Deliveries each minute"), Figure: w.Say("%d in all", all.Delivered),
		Summary: w.Say("%d delivered %s, at most %s a minute.", all.Delivered, t.period(w), w.Decimal(most)),
	}
	if t.Span == api.Day {
		c.Title = w.Say("Deliveries each ten minutes")
	}
	t.add(bars, w, number, c, delivered)
	c = chart{
		Title: w.Say("Failures each minute"), Figure: w.Say("%d in all", all.Failed()),
		Summary: w.Say("%d attempts failed %s: %d rejected, %d unreachable.", all.Failed(), t.period(w), all.Rejected, all.Unreachable),
	}
	if t.Span == api.Day {
		c.Title = w.Say("Failures each ten minutes")
	}
	t.add(bars, w, number, c, rejected, unreachable)
}

// durations adds those of how long something took.
func (t *trend) durations(w *words.Speaker, all stats.Point, latency, lag [2]row) {
	took := func(v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return w.Brief(time.Duration(v * float64(time.Millisecond)))
	}
	figure := func(p50, p99 time.Duration) string { return "p50 " + w.Brief(p50) + ", p99 " + w.Brief(p99) }
	c := chart{Title: w.Say("Latency of deliveries"), Figure: w.Say("none"), Summary: w.Say("Nothing was delivered %s.", t.period(w))}
	if all.Delivered > 0 {
		c.Figure = figure(all.P50, all.P99)
		c.Summary = w.Say("Half of the deliveries %s took %s at most, 99 of 100 took %s.", t.period(w), w.Brief(all.P50), w.Brief(all.P99))
	}
	t.add(lines, w, took, c, latency[:]...)
	c = chart{Title: w.Say("Lag of events"), Figure: w.Say("none"), Summary: w.Say("No event was delivered %s, replays aside.", t.period(w))}
	if all.LagP50 > 0 {
		c.Figure = figure(all.LagP50, all.LagP99)
		c.Summary = w.Say("Half of the events delivered %s came %s after their publication at the latest, 99 of 100 %s, replays aside.", t.period(w), w.Brief(all.LagP50), w.Brief(all.LagP99))
	}
	t.add(lines, w, took, c, lag[:]...)
}

// add adds a chart with its rows drawn, of which say says a value.
func (t *trend) add(draw func(*words.Speaker, ...row) ([]shape, []tick), w *words.Speaker, say func(float64) string, c chart, rows ...row) {
	c.Shapes, c.Ticks = draw(w, rows...)
	c.Columns = columnsOf(t.times, say, rows...)
	t.Charts = append(t.Charts, c)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
