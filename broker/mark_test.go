package broker

import (
	"reflect"
	"testing"
	"time"

	"github.com/saumer/saumer/event"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	old, now := time.Unix(1_000, 0), time.Unix(2_000, 0)
	at20 := mark{Position: event.Position{Seq: 20, Time: now}, Floor: 15, Made: old}
	for name, c := range map[string]struct {
		stand stand
		from  uint64 // 0: the consumer is left as it is
	}{
		"a first start":                         {stand{after: 1}, 1},
		"a first start on a stream with events": {stand{last: 20, after: 21}, 1},
		"nothing happened":                      {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: old, delivered: 22, floor: 15}, 0},
		"no mark yet":                           {stand{last: 30, after: 1, exists: true, made: old, delivered: 22, floor: 15}, 0},
		"the marked event was removed":          {stand{mark: at20, last: 30, after: 21, exists: true, made: old, delivered: 22, floor: 15}, 0},
		"the retention dropped all":             {stand{mark: at20, last: 30, after: 31, exists: true, made: old, delivered: 22, floor: 15}, 0},
		"gone":                                  {stand{mark: at20, held: true, last: 30, after: 21}, 16},
		"gone, and all was acknowledged":        {stand{mark: mark{Position: at20.Position, Floor: 20}, held: true, last: 20, after: 21}, 21},
		"gone with its stream":                  {stand{mark: at20, after: 1}, 1},
		"gone, and the stream went back":        {stand{mark: at20, last: 25, after: 11}, 11},
		"the stream went back":                  {stand{mark: at20, last: 25, after: 11, exists: true, made: old, delivered: 20, floor: 15}, 11},
		"the stream went back below what is not acknowledged": {stand{mark: at20, last: 25, after: 11, exists: true, made: old, delivered: 20, floor: 4}, 5},
		"it is ahead, and little is acknowledged":             {stand{mark: at20, last: 10, after: 11, exists: true, made: old, delivered: 20, floor: 4}, 5},
		"gone, the stream went back, little is acknowledged":  {stand{mark: mark{Position: at20.Position, Floor: 4}, last: 25, after: 11}, 5},
		"the stream went back, and the consumer was reset":    {stand{mark: at20, last: 25, after: 11, exists: true, made: old, delivered: 20, resume: 7}, 7},
		"the stream went back, and took nothing":              {stand{mark: at20, last: 10, after: 11, exists: true, made: old, delivered: 20, floor: 15}, 11},
		"NATS set the consumer back":                          {stand{mark: at20, last: 25, after: 11, exists: true, made: old, delivered: 10, floor: 10}, 0},
		"another process made it again":                       {stand{mark: at20, last: 25, after: 11, exists: true, made: now, delivered: 22, floor: 15}, 0},
		"ahead though the mark is held":                       {stand{mark: at20, held: true, last: 25, after: 21, exists: true, made: old, delivered: 40, floor: 40}, 21},
		"ahead without a mark":                                {stand{last: 25, after: 1, exists: true, made: old, delivered: 40, floor: 40}, 1},
		"it starves":                                          {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: old, delivered: 20, floor: 15, starved: true}, 16},
		"it starves, and the stream went back":                {stand{mark: at20, last: 25, after: 11, exists: true, made: old, delivered: 20, floor: 15, starved: true}, 11},
		"reset":                                               {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: old, resume: 12}, 12},
		"reset, and little is acknowledged":                   {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: now, resume: 19}, 16},
		"reset by the server, with the stream":                {stand{mark: at20, last: 25, after: 11, exists: true, made: old, resume: 5}, 0},
		"a loss, and the consumer is ahead":                   {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: old, delivered: 22, floor: 15, back: 8, cause: "a loss"}, 8},
		"a loss, and the consumer is before it":               {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: old, delivered: 7, floor: 6, back: 8, cause: "a loss"}, 0},
		"a loss, and less is acknowledged":                    {stand{mark: at20, held: true, last: 30, after: 21, exists: true, made: old, delivered: 9, floor: 5, back: 8, cause: "a loss"}, 6},
		"a loss, and gone":                                    {stand{mark: at20, held: true, last: 30, after: 21, back: 8, cause: "a loss"}, 8},
		"a loss, and gone with more":                          {stand{mark: at20, last: 25, after: 5, back: 8, cause: "a loss"}, 5},
	} {
		got := decide(c.stand)
		if got.make != (c.from != 0) || got.from != c.from || got.make != (got.why != "") {
			t.Errorf("%s: %+v, want from %d", name, got, c.from)
		}
	}
}

func TestMarksAreMerged(t *testing.T) {
	t.Parallel()
	made, later := time.Unix(1_000, 0), time.Unix(2_000, 0)
	older := mark{Position: event.Position{Seq: 30, Time: made}, Floor: 25, Made: made}
	newer := mark{Position: event.Position{Seq: 12, Time: later}, Floor: 10, Made: made}
	if got := older.merged(newer); got.Seq != 12 || got.Floor != 25 {
		t.Errorf("of one consumer: %+v", got)
	}
	newer.Made = later
	for _, got := range []mark{older.merged(newer), newer.merged(older)} {
		if !reflect.DeepEqual(got, newer) {
			t.Errorf("of two consumers: %+v", got)
		}
	}
	// How far the streams reached is told by whoever asked last, whatever it was handed out.
	older.Noted, older.Streams, older.Trail = later, map[string]extent{streamEvents: {Last: 40}}, trail{{At: later}}
	for _, got := range []mark{older.merged(newer), newer.merged(older)} {
		if got.Seq != 12 || got.Streams[streamEvents].Last != 40 || len(got.Trail) != 1 {
			t.Errorf("of one who asked later: %+v", got)
		}
	}
	// After a loss, what was before it tells nothing.
	back := mark{Position: event.Position{Seq: 3, Time: made}, Floor: 3, Made: later, Setback: Setback{Number: 1}}
	for _, got := range []mark{older.merged(back), back.merged(newer)} {
		if !reflect.DeepEqual(got, back) {
			t.Errorf("after a loss: %+v", got)
		}
	}
	seen := back
	seen.Setback.Seen = true
	if got := back.merged(seen); !got.Setback.Seen || got.Setback.Open() || !back.Setback.Open() {
		t.Errorf("after the ranges were seen to: %+v", got)
	}
}
