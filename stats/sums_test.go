package stats

import (
	"errors"
	"testing"
	"time"

	"github.com/saumer/saumer/record"
)

func TestSumsAdd(t *testing.T) {
	t.Parallel()
	a, b := sums{rejected: 1, unreachable: 2}, sums{rejected: 10, unreachable: 20}
	a.latency[0], a.latency[7] = 3, 4
	b.latency[7], b.latency[buckets-1] = 5, 6
	a.lag[1], b.lag[1] = 7, 8
	a.add(&b)
	want := sums{rejected: 11, unreachable: 22}
	want.latency[0], want.latency[7], want.latency[buckets-1] = 3, 9, 6
	want.lag[1] = 15
	if a != want || a.delivered() != 18 {
		t.Errorf("the sum is %+v", a)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	s := sums{rejected: 2, unreachable: 1}
	s.latency[3], s.latency[159], s.lag[287] = 40, 5, 6
	data, err := encode("node", 7, at, &s)
	if err != nil {
		t.Fatal(err)
	}
	const golden = `{"v":1,"owner":"node","turn":7,"at":"2026-03-01T12:30:00Z","rejected":2,"unreachable":1,"latency":[[3,40],[159,5]],"lag":[[287,6]]}`
	if string(data) != golden {
		t.Errorf("the record is %s", data)
	}
	r, back, err := decode(data)
	if err != nil || r.Owner != "node" || r.Turn != 7 || !r.At.Equal(at) || back != s {
		t.Errorf("read as %+v, %v", r, err)
	}
	for text, want := range map[string]error{
		`{"v":2,"latency":"of another form"}`: record.ErrNewer,
		`{"v":1,"latency":[[288,1]]}`:         record.ErrUnreadable,
		`{"v":1,"lag":[[288,1]]}`:             record.ErrUnreadable,
		`{"v":1,"latency":[[-1,1]]}`:          record.ErrUnreadable,
		`{"v":1,"rejected":"x"}`:              record.ErrUnreadable,
		`{`:                                   record.ErrUnreadable,
		``:                                    record.ErrUnreadable,
	} {
		if _, _, err := decode([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}
