package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"
)

// TestMain plays a part where this binary is started for one, as the real program does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "bench-part" {
		if err := Serve(os.Args[2], os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

func TestBody(t *testing.T) {
	t.Parallel()
	at := time.Now()
	b := body(1234567, at)
	number, when, ok := read(b)
	if len(b) != bodySize || !ok || number != 1234567 || when != at.UnixNano() {
		t.Errorf("read %d, %d, %v of %d bytes %s", number, when, ok, len(b), b)
	}
	if _, _, ok := read([]byte(`{"n":1}`)); ok {
		t.Error("another body passes for one")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const request = "POST /fast/12 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	for n := range len(request) {
		if _, _, _, size := parse([]byte(request[:n])); size != 0 {
			t.Fatalf("%d bytes of %d pass for a request", n, len(request))
		}
	}
	kind, webhook, data, size := parse([]byte(request + "POST"))
	if kind != fast || webhook != 12 || string(data) != "abc" || size != len(request) {
		t.Errorf("%q %d %q %d", kind, webhook, data, size)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var h histogram
	for n := range 1000 {
		h.add(time.Duration(n+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0: 1e6, 0.5: 501e6, 0.99: 991e6} {
		if got := h.quantile(q); got > want || float64(got) < 0.98*float64(want) {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	for n := range uint64(1 << 20) {
		if low := uint64(lowest(bucket(n))); low > n || n-low > n/fine {
			t.Fatalf("%d is in the bucket of %d", n, low)
		}
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	var r Report
	for _, v := range []float64{1.5, 1.1, 1.3, 1.2} {
		r.add(Row{Name: "T1", What: "rate", Target: 1.2, Least: true}, v)
		r.add(Row{Name: "T4", What: "latency <p99>", Unit: "ms", Target: 1}, v)
	}
	if row := r.Rows[0]; len(r.Rows) != 2 || row.Median != 1.25 || row.Min != 1.1 || row.Max != 1.5 || !row.Reached() || r.Rows[1].Reached() {
		t.Errorf("%d rows, the first %+v", len(r.Rows), row)
	}
	var table, plot bytes.Buffer
	if err := r.Table(&table); err != nil || !bytes.Contains(table.Bytes(), []byte("≤ 1 ms")) {
		t.Errorf("%v\n%s", err, table.Bytes())
	}
	if err := r.Plot(&plot); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&plot); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the plot is not XML: %v", err)
		}
	}
}

func TestTargetsAreMeasured(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Options{
		Command: []string{program, "bench-part"}, Only: []string{"T1", "t4", "t16", "t19", "t20"}, Rounds: 1, Quick: true, Progress: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range report.Rows {
		names = append(names, row.Name)
		if row.Median <= 0 {
			t.Errorf("%s, %s: %v", row.Name, row.What, row.Median)
		}
	}
	if names = slices.Compact(names); !slices.Equal(names, []string{"T1", "T2", "T4", "T16", "T17", "T19", "T20"}) {
		t.Errorf("measured %v", names)
	}
}

func TestUnknownScenario(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), Options{Only: []string{"t99"}}); err == nil {
		t.Error("it runs")
	}
}
