package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// tally writes down what is counted.
type tally []string

func (t *tally) Delivered(key string, took time.Duration) {
	*t = append(*t, fmt.Sprintf("%s delivered in %v", key, took))
}

func (t *tally) Lag(key string, lag time.Duration) {
	*t = append(*t, fmt.Sprintf("%s lags %v", key, lag))
}
func (t *tally) Rejected(key string)    { *t = append(*t, key+" rejected") }
func (t *tally) Unreachable(key string) { *t = append(*t, key+" unreachable") }

func TestAttemptsAreCounted(t *testing.T) {
	t.Parallel()
	published := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	begun := published.Add(time.Minute)
	for name, c := range map[string]struct {
		attempt Attempt
		want    []string
	}{
		"delivered":   {Attempt{Outcome: Delivered, At: begun, Duration: time.Second}, []string{"a.1 delivered in 1s", "a.1 lags 1m1s"}},
		"replayed":    {Attempt{Outcome: Delivered, At: begun, Duration: time.Second, Replay: true}, []string{"a.1 delivered in 1s"}},
		"rejected":    {Attempt{Outcome: Status, Status: 400, At: begun}, []string{"a.1 rejected"}},
		"unreachable": {Attempt{Outcome: Refused, At: begun}, []string{"a.1 unreachable"}},
		"cut off":     {Attempt{Outcome: Aborted, At: begun}, nil},
	} {
		var counted tally
		(&Sender{counts: &counted}).count("a.1", c.attempt, published)
		if !slices.Equal(counted, c.want) {
			t.Errorf("%s: counted is %q, want %q", name, counted, c.want)
		}
	}
}
