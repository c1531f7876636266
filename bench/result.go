package bench

import (
	"fmt"
	"slices"
	"strconv"
)

// Row is a line of the table: what was measured, and what is to be reached.
type Row struct {
	// Name is that of the target, such as T1, and What a few words on it.
	Name string `json:"name"`
	What string `json:"what"`
	// Unit of the values; empty for a ratio.
	Unit string `json:"unit,omitempty"`
	// Target is what the median is to reach: at least that, or, if Least is false, at most. 0 sets none.
	Target float64 `json:"target,omitempty"`
	Least  bool    `json:"at_least,omitempty"`
	// Values are those of the rounds, in their order.
	Values []float64 `json:"values"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
}

// Reached says whether the median is as good as the target.
func (r *Row) Reached() bool {
	return r.Target == 0 || r.Least && r.Median >= r.Target || !r.Least && r.Median <= r.Target
}

// Goal is the target in words; empty if there is none.
func (r *Row) Goal() string {
	switch {
	case r.Target == 0:
		return ""
	case r.Least:
		return "≥ " + r.text(r.Target)
	default:
		return "≤ " + r.text(r.Target)
	}
}

// text is a value with three digits and its unit.
func (r *Row) text(value float64) string {
	number := strconv.FormatFloat(value, 'f', 0, 64)
	if value < 100 {
		number = fmt.Sprintf("%.3g", value)
	}
	if r.Unit == "" {
		return number
	}
	return number + " " + r.Unit
}

// Report is what a benchmark has measured.
type Report struct {
	Version string `json:"version"`
	// CPUs is how many the machine has, System and Go what it runs.
	CPUs   int    `json:"cpus"`
	System string `json:"system"`
	Go     string `json:"go"`
	Rounds int    `json:"rounds"`
	Quick  bool   `json:"quick"`
	Rows   []*Row `json:"rows"`
}

// add adds a value to a row, which is made with the first.
func (r *Report) add(row Row, value float64) {
	i := slices.IndexFunc(r.Rows, func(have *Row) bool { return have.Name == row.Name && have.What == row.What })
	if i < 0 {
		i = len(r.Rows)
		r.Rows = append(r.Rows, &row)
	}
	into := r.Rows[i]
	into.Values = append(into.Values, value)
	sorted := slices.Sorted(slices.Values(into.Values))
	into.Min, into.Max = sorted[0], sorted[len(sorted)-1]
	into.Median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
