package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/words"
)

// chart is a drawing of values over time, and what it shows in words. Paths and places are in the drawing's own units.
type chart struct {
	Title string
	// Figure is the value that counts, and Summary what the drawing shows in a sentence.
	Figure, Summary string
	Shapes          []shape
	// Ticks are from the bottom to the top, Columns from the oldest to the one that is not over.
	Ticks   []tick
	Columns []column
}

// column is a part of time in a drawing, with its values in words. Now is true of the one that is not over.
type column struct {
	X, Width string
	At       time.Time
	Text     string
	Now      bool
}

// columnsOf are those of rows that begin at these times; say says a value.
func columnsOf(at []time.Time, say func(float64) string, rows ...row) []column {
	width := (plotRight - plotLeft) / float64(len(at))
	all := make([]column, len(at))
	for i := range at {
		parts := make([]string, len(rows))
		for k, r := range rows {
			parts[k] = r.name + " " + say(r.values[i])
		}
		all[i] = column{
			X: fixed(plotLeft + width*float64(i)), Width: fixed(width), At: at[i], Text: strings.Join(parts, ", "), Now: i+1 == len(at),
		}
	}
	return all
}

// fixed is a measure in a drawing.
func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// shape is one series as a path. Class is its style, and Name its words in the legend.
type shape struct{ Name, Class, Path string }

// tick is a line across the drawing at a value.
type tick struct{ At, Label string }

// row is one series of values from 0 on, the oldest first. NaN is a value that there is not.
type row struct {
	name, class string
	values      []float64
}

// Where the values are in a drawing. The template knows the same measures.
const (
	plotLeft, plotRight = 54.0, 354.0
	plotTop, plotBottom = 10.0, 130.0
	// leastBar is the height of the smallest bar: a few among many are still seen.
	leastBar = 1.5
)

// bars draws rows that stand on one another, of counts.
func bars(w *words.Speaker, rows ...row) ([]shape, []tick) {
	sums := make([]float64, len(rows[0].values))
	highest := 0.0
	for _, r := range rows {
		for i, v := range r.values {
			sums[i] += v
			highest = max(highest, sums[i])
		}
	}
	// Half of 2 is a count too.
	top := max(roundUp(highest), 2)
	width := (plotRight - plotLeft) / float64(len(sums))
	under := make([]float64, len(sums))
	var shapes []shape
	for _, r := range rows {
		var path strings.Builder
		for i, v := range r.values {
			if v <= 0 {
				continue
			}
			height := min(max(v/top*(plotBottom-plotTop), leastBar), plotBottom-plotTop-under[i])
			bar := width * .8
			fmt.Fprintf(&path, "M%.2f %.2fh%.2fv%.2fh%.2fz", plotLeft+width*(float64(i)+.1), plotBottom-under[i], bar, -height, -bar)
			under[i] += height
		}
		shapes = append(shapes, shape{r.name, "bars " + r.class, path.String()})
	}
	return shapes, ticks(top, func(v float64) string { return axisCount(w, v) })
}

// lines draws rows as lines, which break where there is no value, and before the last, which is not over; a single value is a
// dash. Values are milliseconds.
func lines(w *words.Speaker, rows ...row) ([]shape, []tick) {
	highest := 0.0
	for _, r := range rows {
		for _, v := range r.values {
			if v > highest {
				highest = v
			}
		}
	}
	top := roundUp(highest)
	var shapes []shape
	for _, r := range rows {
		var path strings.Builder
		width := (plotRight - plotLeft) / float64(len(r.values))
		drawn := false
		for i, v := range r.values {
			if math.IsNaN(v) {
				drawn = false
				continue
			}
			x, y := plotLeft+width*(float64(i)+.5), plotBottom-v/top*(plotBottom-plotTop)
			switch single := i+2 >= len(r.values) || math.IsNaN(r.values[i+1]); {
			case drawn && i+1 < len(r.values):
				fmt.Fprintf(&path, "L%.2f %.2f", x, y)
			case single:
				fmt.Fprintf(&path, "M%.2f %.2fh5", x-2.5, y)
			default:
				fmt.Fprintf(&path, "M%.2f %.2f", x, y)
			}
			drawn = true
		}
		shapes = append(shapes, shape{r.name, "line " + r.class, path.String()})
	}
	return shapes, ticks(top, func(v float64) string { return axisTime(w, v, top) })
}

// ticks are those at nothing, half and all of the top.
func ticks(top float64, label func(float64) string) []tick {
	var all []tick
	for _, share := range []float64{0, .5, 1} {
		all = append(all, tick{strconv.FormatFloat(plotBottom-share*(plotBottom-plotTop), 'f', 1, 64), label(share * top)})
	}
	return all
}

// roundUp is the next of 1, 2, 4, 6 or 10 times a power of ten, of which the half is short too; 1 for 0.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4, 6} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}

// axisCount is a count that has little room.
func axisCount(w *words.Speaker, v float64) string {
	switch {
	case v >= 1e9:
		return w.Decimal(v/1e9) + "G"
	case v >= 1e6:
		return w.Decimal(v/1e6) + "M"
	case v >= 10_000:
		return w.Decimal(v/1000) + "k"
	}
	return w.Decimal(v)
}

// axisTime is a time in milliseconds that has little room, in the unit of the highest on its axis.
func axisTime(w *words.Speaker, v, top float64) string {
	switch {
	case v == 0:
		return "0"
	case top < 1000:
		return w.Decimal(v) + " ms"
	case top >= 48*3_600_000:
		return w.Decimal(v/(24*3_600_000)) + " " + w.Say("d")
	case top >= 2*3_600_000:
		return w.Decimal(v/3_600_000) + " h"
	case top >= 2*60_000:
		return w.Decimal(v/60_000) + " min"
	}
	return w.Decimal(v/1000) + " s"
}
