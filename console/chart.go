package console

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// chart is a drawing of series over time, the same number of values in each, the oldest first.
type chart struct {
	Title string
	// Now is the newest value in words, Summary what the drawing shows in a sentence.
	Now, Summary string
	// Bars draws bars that stand on one another; else lines.
	Bars   bool
	Series []series
	// Ages are how long ago the beginning, the middle and the end are.
	Ages [3]string
	// Unit writes a value.
	Unit func(float64) string
	// When are the times of the values, for the table.
	When []string
}

// series is one row of values. NaN is a value that there is not.
type series struct {
	Name, Class string
	Values      []float64
}

// The drawing, in its own units.
const (
	chartWidth, chartHeight = 560.0, 170.0
	plotLeft, plotRight     = 52.0, 552.0
	plotTop, plotBottom     = 10.0, 142.0
)

// top is the round number at which the drawing ends.
func (c chart) top() float64 {
	highest := 0.0
	n := 0
	if len(c.Series) > 0 {
		n = len(c.Series[0].Values)
	}
	for i := range n {
		sum := 0.0
		for _, s := range c.Series {
			if v := s.Values[i]; !math.IsNaN(v) {
				if c.Bars {
					sum += v
				} else {
					sum = max(sum, v)
				}
			}
		}
		highest = max(highest, sum)
	}
	return roundUp(highest)
}

// roundUp is the next of 1, 2, 4, 5 or 10 times a power of ten; 1 for 0.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4, 5} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}

// SVG draws the chart. All in it is numbers and words of our own.
func (c chart) SVG() template.HTML {
	var b strings.Builder
	top := c.top()
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(c.Title+". "+c.Summary))
	for i := range 3 {
		y := plotBottom - (plotBottom-plotTop)*float64(i)/2
		fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text class="axis" x="%g" y="%.1f" text-anchor="end">%s</text>`,
			plotLeft, y, plotRight, plotLeft-8, y+4, template.HTMLEscapeString(c.Unit(top*float64(i)/2)))
	}
	for i, anchor := range []string{"start", "middle", "end"} {
		x := plotLeft + (plotRight-plotLeft)*float64(i)/2
		fmt.Fprintf(&b, `<text class="axis" x="%g" y="%g" text-anchor="%s">%s</text>`, x, plotBottom+20, anchor, template.HTMLEscapeString(c.Ages[i]))
	}
	if c.Bars {
		c.bars(&b, top)
	} else {
		c.lines(&b, top)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func (c chart) bars(b *strings.Builder, top float64) {
	n := len(c.Series[0].Values)
	width := (plotRight - plotLeft) / float64(max(n, 1))
	below := make([]float64, n)
	for _, s := range c.Series {
		fmt.Fprintf(b, `<path class="bars %s" d="`, s.Class)
		for i, v := range s.Values {
			if !(v > 0) {
				continue
			}
			height := v / top * (plotBottom - plotTop)
			// A few among many are still to be seen.
			height = max(height, 1.5)
			fmt.Fprintf(b, "M%.2f %.2fh%.2fv%.2fh%.2fz", plotLeft+width*(float64(i)+.12), plotBottom-below[i], width*.76, -height, -width*.76)
			below[i] += height
		}
		b.WriteString(`"/>`)
	}
}

func (c chart) lines(b *strings.Builder, top float64) {
	for _, s := range c.Series {
		var line strings.Builder
		step := (plotRight - plotLeft) / float64(max(len(s.Values)-1, 1))
		pen := "M"
		for i, v := range s.Values {
			if math.IsNaN(v) {
				pen = "M"
				continue
			}
			x, y := plotLeft+step*float64(i), plotBottom-v/top*(plotBottom-plotTop)
			if pen == "M" {
				// A value between two that there are not is a dot.
				fmt.Fprintf(&line, "M%.2f %.2fh.01", x, y)
			} else {
				fmt.Fprintf(&line, "L%.2f %.2f", x, y)
			}
			pen = "L"
		}
		fmt.Fprintf(b, `<path class="line %s" d="%s"/>`, s.Class, line.String())
	}
}

// chartRow is a line of the table beside the drawing.
type chartRow struct {
	When   string
	Values []string
}

// Rows are the values as a table, the newest first, without those that there are not.
func (c chart) Rows() []chartRow {
	var rows []chartRow
	for i := len(c.When) - 1; i >= 0; i-- {
		row := chartRow{When: c.When[i]}
		any := false
		for _, s := range c.Series {
			v := s.Values[i]
			if math.IsNaN(v) {
				row.Values = append(row.Values, "–")
				continue
			}
			any = any || v != 0
			row.Values = append(row.Values, c.Unit(v))
		}
		if any {
			rows = append(rows, row)
		}
	}
	return rows
}
