package event_test

import (
	"testing"
	"time"

	"github.com/saumer/saumer/event"
)

func TestBefore(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	end := event.End{Seq: 10, AsOf: noon}
	for name, test := range map[string]struct {
		at   event.Position
		end  event.End
		want bool
	}{
		"below, and earlier":                          {event.Position{Seq: 9, Time: noon.Add(-time.Second)}, end, true},
		"the newest that there was":                   {event.Position{Seq: 9, Time: noon}, end, true},
		"the end itself":                              {event.Position{Seq: 10, Time: noon}, end, false},
		"a lower sequence that was given again later": {event.Position{Seq: 4, Time: noon.Add(time.Nanosecond)}, end, false},
		"no end": {event.Position{Seq: 1 << 60, Time: noon}, event.End{}, true},
		"an end of which only the sequence is known": {event.Position{Seq: 9, Time: noon.Add(time.Hour)}, event.End{Seq: 10}, true},
	} {
		if got := test.at.Before(test.end); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
