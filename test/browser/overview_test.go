package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/saumer/saumer/api"
)

func TestOverviewShowsChartsAndLag(t *testing.T) {
	w := setup(t)
	w.login()
	w.sees("#sent", "Nothing was sent in the last hour.")
	id := w.createAt("tourism", well)
	w.publish(7)
	down := w.deactivated("railway", 5)
	w.until(id, "through", func(found api.Webhook) bool { return found.Status.Lag == 0 && w.got.Load() == 12 })
	for _, span := range []struct{ words, path string }{{"hour", "/console/"}, {"day", "/console/?span=day"}} {
		w.open(span.path)
		labels := eval[[]string](w, `[...document.querySelectorAll("#sent svg[role=img]")].map((chart) => chart.getAttribute("aria-label"))`)
		if len(labels) != 4 || !strings.Contains(labels[0], "12 delivered in the last "+span.words) ||
			!strings.Contains(labels[1], "attempts failed in the last "+span.words) || !strings.Contains(labels[2], "99 of 100") || !strings.Contains(labels[3], "after their publication") {
			t.Errorf("the charts of the %s say %q", span.words, labels)
		}
		// Each has clock times, of a size that no screen changes, a column for each part of time, and one that is under way.
		if found := eval[[]int](w, `[...document.querySelectorAll(".chart")].map((chart) => chart.querySelectorAll("time[data-clock]").length * 1000 + chart.querySelectorAll(".column").length)`); len(found) != 4 || found[0] != map[string]int{"hour": 3060, "day": 3144}[span.words] {
			t.Errorf("the charts of the %s have %v", span.words, found)
		}
		if size := eval[float64](w, `Math.max(...[...document.querySelectorAll(".chart .axis span, .chart .times time")].map((text) => parseFloat(getComputedStyle(text).fontSize)))`); size > 16 {
			t.Errorf("the text of an axis is %v px high", size)
		}
		// What is pointed at says its values.
		readout := eval[string](w, `(() => {
			const chart = document.querySelector(".chart"), column = chart.querySelector(".column.under-way");
			column.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
			return chart.querySelector(".readout").textContent;
		})()`)
		if !strings.Contains(readout, "Delivered 12") {
			t.Errorf("the column under way says %q", readout)
		}
		// Each is drawn: the paths of its values have a size.
		drawn := eval[int](w, `[...document.querySelectorAll("#sent svg[role=img]")].filter((chart) => [...chart.querySelectorAll(".bars, .line")].some((path) => path.getBBox().height > 1 || path.getTotalLength() > 0)).length`)
		if drawn != 4 {
			t.Errorf("%d charts of the %s are drawn", drawn, span.words)
		}
	}
	if text := w.text(".facts"); !strings.Contains(text, fmt.Sprintf("waiting now\n%d", down.Status.Lag)) {
		t.Errorf("the lag is not %d: %s", down.Status.Lag, text)
	}
	w.do("open the table", chromedp.Click(`//summary[.="The same as a table"]`))
	w.sees("#sent tbody", "12")
	w.open("/console/?span=year")
	w.sees("main", "There is no such page.")
}
