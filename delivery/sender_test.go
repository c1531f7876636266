package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// tally writes down what is counted.
type tally []string

func (t *tally) Delivered(key string, took, lag time.Duration) {
	*t = append(*t, fmt.Sprintf("%s delivered in %v, %v after its publication", key, took, lag))
}

func (t *tally) Replayed(key string, took time.Duration) {
	*t = append(*t, fmt.Sprintf("%s replayed in %v", key, took))
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
		"delivered":   {Attempt{Outcome: Delivered, At: begun, Duration: time.Second}, []string{"a.1 delivered in 1s, 1m1s after its publication"}},
		"replayed":    {Attempt{Outcome: Delivered, At: begun, Duration: time.Second, Replay: true}, []string{"a.1 replayed in 1s"}},
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
