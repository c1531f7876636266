package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed plot.svg
var plotText string

var plotTemplate = template.Must(template.New("plot").Parse(plotText))

// Places in the plot, in its own units. The scale is logarithmic, from a quarter of the target to four times it.
const (
	plotLeft, plotWidth, plotTop, plotStep = 490, 380, 86, 34

	plotSpan = 2 // powers of two on each side of the target
)

// bar is a row in the plot.
type bar struct {
	Name, What, Value, Goal string
	Reached                 bool
	// Y is where the row is, Text where its words are; From and To are the ends of the bar, Low and High those of
	// minimum and maximum.
	Y, Text, From, To, Low, High float64
}

// tick is a line of the scale.
type tick struct {
	X    float64
	Text string
}

// Plot draws the rows that have a target as SVG: how far each is from it.
func (r *Report) Plot(out io.Writer) error {
	var bars []bar
	for _, row := range r.Rows {
		if row.Target == 0 {
			continue
		}
		y := float64(plotTop + plotStep*len(bars))
		value := place(row.score(row.Median))
		low, high := place(row.score(row.Min)), place(row.score(row.Max))
		bars = append(bars, bar{
			Name: row.Name, What: row.What, Value: row.text(row.Median), Goal: row.Goal(), Reached: row.Reached(),
			Y: y, Text: y + 13, From: min(value, place(1)), To: max(value, place(1)), Low: min(low, high), High: max(low, high),
		})
	}
	var ticks []tick
	for power := -plotSpan; power <= plotSpan; power++ {
		ticks = append(ticks, tick{place(math.Pow(2, float64(power))), fmt.Sprintf("%g ×", math.Pow(2, float64(power)))})
	}
	bottom := plotTop + plotStep*len(bars)
	err := plotTemplate.Execute(out, map[string]any{
		"Report": r, "Bars": bars, "Ticks": ticks, "Target": place(1), "Top": plotTop - 12, "Bottom": bottom,
		"Height": bottom + 34, "Width": plotLeft + plotWidth + 190, "Values": plotLeft + plotWidth + 14,
	})
	if err != nil {
		return fmt.Errorf("draw the plot: %w", err)
	}
	return nil
}

// score is how many times as good as the target a value is.
func (r *Row) score(value float64) float64 {
	if r.Least {
		return value / r.Target
	}
	return r.Target / max(value, r.Target/1000)
}

// place is where a score is drawn.
func place(score float64) float64 {
	power := min(max(math.Log2(max(score, 1e-6)), -plotSpan), plotSpan)
	return plotLeft + plotWidth*(power+plotSpan)/(2*plotSpan)
}
