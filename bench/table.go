package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Table writes the report as a table of text.
func (r *Report) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\twhat\tmedian\tmin\tmax\ttarget\t\n")
	for _, row := range r.Rows {
		verdict := ""
		switch {
		case row.Target == 0:
		case row.Reached():
			verdict = "reached"
		default:
			verdict = "missed"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Name, row.What, row.text(row.Median), row.text(row.Min), row.text(row.Max), row.Goal(), verdict)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}
