package console

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/stats"
	"github.com/saumer/saumer/words"
)

func TestBarsStandOnOneAnother(t *testing.T) {
	t.Parallel()
	shapes, ticks := bars(words.In("en"), row{"a", "good", []float64{3, 0, 1}}, row{"b", "bad", []float64{1, 2, 0}})
	want := []shape{
		{"a", "bars good", "M64.00 130.00h80.00v-90.00h-80.00zM264.00 130.00h80.00v-30.00h-80.00z"},
		{"b", "bars bad", "M64.00 40.00h80.00v-30.00h-80.00zM164.00 130.00h80.00v-60.00h-80.00z"},
	}
	for i := range want {
		if shapes[i] != want[i] {
			t.Errorf("drawn is %q, want %q", shapes[i], want[i])
		}
	}
	if ticks[0] != (tick{"130.0", "0"}) || ticks[1] != (tick{"70.0", "2"}) || ticks[2] != (tick{"10.0", "4"}) {
		t.Errorf("the ticks are %v", ticks)
	}
}

func TestLinesBreakWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	shapes, ticks := lines(words.In("en"), row{"p50", "good", []float64{50, 100, math.NaN(), 0}})
	if want := "M91.50 70.00L166.50 10.00M314.00 130.00h5"; shapes[0].Path != want {
		t.Errorf("drawn is %q, want %q", shapes[0].Path, want)
	}
	if ticks[1].Label != "50 ms" || ticks[2].Label != "100 ms" {
		t.Errorf("the ticks are %v", ticks)
	}
}

// Whatever the values are, bars stay within the drawing, and none that is more than nothing disappears.
func TestBarsStayInTheDrawing(t *testing.T) {
	t.Parallel()
	bar := regexp.MustCompile(`M([\d.]+) ([\d.]+)h([\d.]+)v-([\d.]+)h`)
	for _, highest := range []float64{0, 0.1, 1, 2, 7, 10, 99, 100, 101, 6e5, 1e9} {
		values := []float64{highest, 1, 0, highest / 3, highest / 1e6}
		shapes, ticks := bars(words.In("en"), row{"a", "", values}, row{"b", "", values})
		for _, s := range shapes {
			drawn := bar.FindAllStringSubmatch(s.Path, -1)
			some := 0
			for _, v := range values {
				if v > 0 {
					some++
				}
			}
			if len(drawn) != some {
				t.Errorf("of %v %d are drawn", values, len(drawn))
			}
			for _, d := range drawn {
				x, y, width, height := number64(t, d[1]), number64(t, d[2]), number64(t, d[3]), number64(t, d[4])
				if x < plotLeft || x+width > plotRight || y > plotBottom || y-height < plotTop-0.01 || height < 1 {
					t.Errorf("a bar of %v is %s", values, d[0])
				}
			}
		}
		for _, tick := range ticks {
			if len(tick.Label) > 6 {
				t.Errorf("there is no room for %q", tick.Label)
			}
		}
	}
}

func number64(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRoundUp(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{0: 1, 0.03: 0.04, 1: 1, 1.1: 2, 3: 4, 5: 6, 7: 10, 10: 10, 41: 60, 999: 1000, 1001: 2000} {
		if got := roundUp(v); math.Abs(got-want) > want/1e9 {
			t.Errorf("%v is rounded to %v, want %v", v, got, want)
		}
	}
}

func TestAxisTime(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 0.5: "0.5 ms", 600: "600 ms", 2000: "2 s", 119_000: "119 s", 600_000: "10 min", 1.08e7: "3 h", 4e8: "4.6 d",
	} {
		if got := axisTime(words.In("en"), v, v); got != want {
			t.Errorf("%v ms are %q, want %q", v, got, want)
		}
	}
}

func TestTrend(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := stats.Series{Step: 10 * time.Minute, Points: make([]stats.Point, 144)}
	for i := range s.Points {
		s.Points[i].At = at.Add(time.Duration(i) * s.Step)
	}
	if got := trendOf(words.In("en"), api.Hour, s); len(got.Charts) != 0 || len(got.Rows) != 0 {
		t.Errorf("of nothing there is drawn %+v", got)
	}
	s.Points[7].Delivered, s.Points[7].P50, s.Points[7].P99 = 1205, 12*time.Millisecond, 1500*time.Millisecond
	s.Points[9].Rejected, s.Points[9].Unreachable = 1000, 20
	s.Points[7].LagP50, s.Points[7].LagP99 = 40*time.Millisecond, 3*time.Hour
	s.Total = s.Points[7]
	s.Total.Rejected, s.Total.Unreachable = 1000, 20
	got := trendOf(words.In("en"), api.Day, s)
	if len(got.Rows) != 2 || got.Rows[0] != s.Points[9] || got.Rows[1] != s.Points[7] {
		t.Errorf("the rows are %+v", got.Rows)
	}
	for i, want := range []struct{ title, figure, summary string }{
		{"Deliveries each ten minutes", "1,205 in all", "1,205 delivered in the last day, at most 120.5 a minute."},
		{"Failures each ten minutes", "1,020 in all", "1,020 attempts failed in the last day: 1,000 rejected, 20 unreachable."},
		{"Latency of deliveries", "p50 12 ms, p99 1.5 s", "Half of the deliveries in the last day took 12 ms at most, 99 of 100 took 1.5 s."},
		{
			"Lag of events", "p50 40 ms, p99 3 h 0 min",
			"Half of the events delivered in the last day came 40 ms after their publication at the latest, 99 of 100 3 h 0 min, replays aside.",
		},
	} {
		c := got.Charts[i]
		if c.Title != want.title || c.Figure != want.figure || c.Summary != want.summary {
			t.Errorf("chart %d says %q, %q, %q", i, c.Title, c.Figure, c.Summary)
		}
	}
	// Of one value a line is a dash.
	if path := got.Charts[2].Shapes[0].Path; strings.Count(path, "M") != 1 || strings.Contains(path, "L") {
		t.Errorf("one latency is drawn as %q", path)
	}
}
