package backlog

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/event"
)

// until is an end as of the event of a sequence.
func until(seq, asOf uint64) event.End { return event.End{Seq: seq, AsOf: at(asOf).Time} }

// What an activation leaves out is told by sequence and time.
func TestDrops(t *testing.T) {
	t.Parallel()
	end := until(90, 89)
	for name, c := range map[string]struct {
		a    Activation
		drop map[event.Position]bool
	}{
		"without a replay": {Activation{Until: until(70, 69), From: end}, map[event.Position]bool{
			at(10): true, at(75): true, at(89): true, at(90): false, {Seq: 10, Time: at(95).Time}: false, {Seq: 10}: true,
		}},
		"with a replay, after the window": {Activation{Replay: true, Until: until(70, 69), From: end}, map[event.Position]bool{
			at(10): false, at(69): false, at(70): true, at(89): true, at(90): false,
			{Seq: 60, Time: at(80).Time}: true, {Seq: 60, Time: at(95).Time}: false,
		}},
		"with a replay, within the window": {Activation{Replay: true, Until: end, From: end}, map[event.Position]bool{
			at(10): false, at(89): false, at(90): false,
		}},
	} {
		for p, drop := range c.drop {
			if c.a.drops(p) != drop {
				t.Errorf("%s: %d of %s is dropped: %v", name, p.Seq, p.Time, !drop)
			}
		}
	}
}

// Where the spans go on, and what waits by itself, after an activation, which is followed once.
func TestActivate(t *testing.T) {
	t.Parallel()
	ended := Span{From: 20, Cursor: 22, Anchor: at(21), To: until(30, 29)}
	open := Span{ID: "a", From: 40, Cursor: 50, Anchor: at(49)}
	jumped := Span{ID: "a", From: 40, Cursor: 90, Anchor: at(89)}
	end := until(90, 89)
	for name, c := range map[string]struct {
		activation Activation
		spans      []Span
		waiting    []event.Position
	}{
		"replay within the window":                     {Activation{Replay: true, Until: end}, []Span{ended, open}, []event.Position{at(10), at(12), at(75)}},
		"replay after the window":                      {Activation{Replay: true, Until: until(70, 69)}, []Span{ended, {From: 40, Cursor: 50, Anchor: at(49), To: until(70, 69)}, jumped}, []event.Position{at(10), at(12)}},
		"replay, and the window ended before the span": {Activation{Replay: true, Until: until(45, 44)}, []Span{ended, jumped}, []event.Position{at(10), at(12)}},
		"without a replay":                             {Activation{Until: until(70, 69)}, []Span{jumped}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := in(Parked)
			r.Pending, r.Retries = Pending{{Position: at(10)}}, []Retry{{Position: at(12), Next: noon, Since: noon}, {Position: at(75)}}
			r.Spans, r.Follows, r.Probe, r.Health = []Span{ended, open}, noon, Probe{Next: noon}, Health{Attempts: 12, Since: noon}
			a := c.activation
			a.At, a.From = noon.Add(time.Hour), end
			r.Activate(a)
			if got := slices.Collect(r.Waiting()); !slices.Equal(got, c.waiting) {
				t.Errorf("%v wait", got)
			}
			if !slices.Equal(r.Spans, c.spans) {
				t.Errorf("spans %+v, want %+v", r.Spans, c.spans)
			}
			if err := r.Check(); err != nil || r.State != CatchingUp || r.Health.Failing() || r.Replays(at(89)) != a.Replay || r.Replays(at(90)) {
				t.Errorf("%+v, error %v", r, err)
			}
			for _, x := range r.Retries {
				if !x.Next.IsZero() || !x.Since.Equal(a.At) {
					t.Errorf("a retry is due at %s, since %s", x.Next, x.Since)
				}
			}
			once := r
			r.NotBefore = noon // something has come since
			r.Activate(a)
			if once.NotBefore = noon; !reflect.DeepEqual(r, once) {
				t.Errorf("followed twice: %+v, once: %+v", r, once)
			}
		})
	}
}

// A span that was ended at the end of the stream after the activation holds events that came after it: they are sent.
func TestActivateKeepsWhatCameAfterIt(t *testing.T) {
	t.Parallel()
	r := in(Parked)
	r.Deactivate(noon, "refused")
	r.Orphan(until(95, 94))
	r.Activate(Activation{At: noon.Add(time.Hour), Until: until(90, 89), From: until(90, 89)})
	for seq, spanned := range map[uint64]bool{60: false, 89: false, 90: true, 94: true, 95: false} {
		if r.Spanned(at(seq)) != spanned {
			t.Errorf("%d is in a span: %v; spans %+v", seq, !spanned, r.Spans)
		}
	}
}

// A record that was made after an activation has nothing to follow; one without an open span gets one.
func TestActivateWithoutASpan(t *testing.T) {
	t.Parallel()
	a := Activation{At: noon, From: until(90, 89), Until: until(90, 89)}
	r := in(Retrying)
	r.Pending = Pending{{Position: at(10)}}
	if r.Activate(a); r.State != Retrying || len(r.Pending) != 1 || !r.Follows.Equal(noon) {
		t.Errorf("made after it: %+v", r)
	}
	a.At = noon.Add(time.Hour)
	if r.Activate(a); r.State != Leaving || len(r.Pending) != 0 {
		t.Errorf("made before it: %+v", r)
	}
}

func TestDeactivate(t *testing.T) {
	t.Parallel()
	r := in(CatchingUp)
	r.Judge, r.Streak, r.NotBefore, r.Alarm, r.Health = Spent, 4, noon, noon, Health{Attempts: 12, Since: noon, Last: "refused"}
	later := noon.Add(24 * time.Hour)
	r.Deactivate(later, "refused")
	if err := r.Check(); err != nil || r.State != Parked || !r.Told.Equal(noon) || r.Probe != (Probe{Next: later}) || r.Streak != 0 {
		t.Errorf("%+v, error %v", r, err)
	}
	r.Probe, r.Outbox = Probe{}, nil
	if r.Deactivate(later, "refused"); r.Probe != (Probe{}) || len(r.Outbox) != 0 {
		t.Errorf("followed twice: %+v", r)
	}
	healthy := in(CatchingUp)
	if healthy.Deactivate(later, "by hand"); !healthy.Told.Equal(later) || len(healthy.Outbox) != 1 || healthy.Outbox[0].Kind != Deactivated {
		t.Errorf("an endpoint that did not fail: %+v", healthy)
	}
}

// Opening and closing change nothing where there is nothing to open or to close. A webhook that is not to be back on the live
// path leaves it again.
func TestOpenAndClose(t *testing.T) {
	t.Parallel()
	r := in(Leaving)
	r.Open("a", 50, at(49))
	if s, open := r.OpenSpan(); !open || r.State != CatchingUp || s != (Span{ID: "a", From: 50, Cursor: 50, Anchor: at(49)}) {
		t.Errorf("opened: %+v", r)
	}
	if r.Open("b", 60, at(59)); len(r.Spans) != 1 {
		t.Errorf("opened twice: %+v", r)
	}
	for name, c := range map[string]struct {
		change func(*Record)
		to     event.End
		state  State
		spans  int
	}{
		"worked off":         {func(*Record) {}, until(50, 49), Retrying, 0},
		"something is left":  {func(*Record) {}, until(55, 54), Retrying, 1},
		"to be judged":       {func(r *Record) { r.Judge = Gone }, until(55, 54), Leaving, 1},
		"the endpoint fails": {func(r *Record) { r.Health.Attempts = 1 }, until(55, 54), Retrying, 1},
		"ordered":            {func(r *Record) { r.Ordered = true }, until(55, 54), Leaving, 1},
		"parked":             {func(r *Record) { r.State = Parked }, until(55, 54), Parked, 1},
		"no open span":       {func(r *Record) { r.State, r.Spans = Leaving, nil }, until(55, 54), Leaving, 0},
	} {
		r := in(CatchingUp)
		c.change(&r)
		if r.Close(c.to); r.State != c.state || len(r.Spans) != c.spans {
			t.Errorf("%s: %s, spans %+v", name, r.State, r.Spans)
		}
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A span without its range, and a range without its span.
func TestOrphanAndRestore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Record)
		state  State
	}{
		"healthy":      {func(*Record) {}, Retrying},
		"failing":      {func(r *Record) { r.Health.Attempts = 1 }, Leaving},
		"to be judged": {func(r *Record) { r.Judge = Gone }, Leaving},
		"ordered":      {func(r *Record) { r.Ordered = true }, Leaving},
		"inactive":     {func(r *Record) { r.State, r.Probe = Parked, Probe{Next: noon} }, Retrying},
	} {
		r := in(CatchingUp)
		c.change(&r)
		r.Orphan(until(60, 59))
		if want := []Span{{From: 50, Cursor: 50, To: until(60, 59)}}; r.State != c.state || !slices.Equal(r.Spans, want) {
			t.Errorf("%s: %s, spans %+v", name, r.State, r.Spans)
		}
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := in(Leaving)
	if r.Orphan(until(60, 59)); len(r.Spans) != 0 || r.State != Leaving {
		t.Errorf("no open span: %+v", r)
	}
	if r.Restore("b", 70, at(69)); r.State != CatchingUp || !slices.Equal(r.Spans, []Span{{ID: "b", From: 70, Cursor: 70, Anchor: at(69)}}) {
		t.Errorf("restored: %+v", r)
	}
	for name, c := range map[string]struct {
		from       uint64
		span, want Span
	}{
		"the range begins before": {30, Span{ID: "a", From: 50, Cursor: 55, Anchor: at(54)}, Span{ID: "b", From: 30, Cursor: 30, Anchor: at(29)}},
		"the range begins after":  {70, Span{ID: "a", From: 50, Cursor: 55, Anchor: at(54)}, Span{ID: "b", From: 50, Cursor: 55, Anchor: at(54)}},
		"the range begins within": {52, Span{ID: "a", From: 50, Cursor: 55, Anchor: at(54)}, Span{ID: "b", From: 50, Cursor: 52, Anchor: at(51)}},
	} {
		r := in(Parked)
		r.Spans = []Span{c.span}
		if r.Restore("b", c.from, at(c.from-1)); r.State != Parked || !slices.Equal(r.Spans, []Span{c.want}) {
			t.Errorf("%s: %s, spans %+v", name, r.State, r.Spans)
		}
	}
}

func TestAdvance(t *testing.T) {
	t.Parallel()
	ended := Span{From: 20, Cursor: 22, To: until(30, 29)}
	open := Span{ID: "a", From: 40, Cursor: 50}
	on := func(s Span, cursor uint64) Span { s.Cursor, s.Anchor = cursor, at(cursor-1); return s }
	stranger := on(Span{ID: "b", From: 40}, 60)
	for name, c := range map[string]struct {
		come, want []Span
		ahead      bool
	}{
		"nothing came":                   {nil, []Span{ended, open}, false},
		"both came on":                   {[]Span{on(ended, 25), on(open, 60)}, []Span{on(ended, 25), on(open, 60)}, true},
		"one is done":                    {[]Span{on(ended, 30), open}, []Span{open}, true},
		"a stream that went back":        {[]Span{ended, on(open, 41)}, []Span{ended, on(open, 41)}, true},
		"one that the record never knew": {[]Span{stranger, ended}, []Span{ended, open}, false},
	} {
		r := in(CatchingUp)
		r.Spans = []Span{ended, open}
		if r.Ahead(c.come) != c.ahead {
			t.Errorf("%s: ahead %v", name, !c.ahead)
		}
		if r.Advance(c.come); !slices.Equal(r.Spans, c.want) {
			t.Errorf("%s: %+v", name, r.Spans)
		}
	}
}

// A replay on demand adds what no span has to work off already.
func TestReplayAgain(t *testing.T) {
	t.Parallel()
	const name = 17
	ended := Span{From: 20, Cursor: 22, To: until(30, 29)}
	open := Span{ID: "a", From: 40, Cursor: 50}
	part := func(from, to uint64) Span {
		return Span{From: from, Cursor: from, To: until(to, 99), Replay: name}
	}
	for what, c := range map[string]struct {
		low   uint64
		end   uint64
		spans []Span
		want  []Span
	}{
		"nothing":                       {30, 30, []Span{open}, []Span{open}},
		"nothing, the wrong way round":  {30, 10, []Span{open}, []Span{open}},
		"no spans":                      {3, 30, nil, []Span{part(3, 30)}},
		"before all":                    {3, 10, []Span{ended, open}, []Span{part(3, 10), ended, open}},
		"what a span is past":           {3, 28, []Span{ended, open}, []Span{part(3, 22), ended, open}},
		"what a span has to come to":    {25, 30, []Span{ended, open}, []Span{ended, open}},
		"between":                       {25, 45, []Span{ended, open}, []Span{ended, part(30, 45), open}},
		"around, and into the open one": {3, 60, []Span{ended, open}, []Span{part(3, 22), ended, part(30, 50), open}},
		"beyond the open one's cursor":  {55, 60, []Span{ended, open}, []Span{ended, open}},
		"behind all":                    {40, 60, []Span{ended}, []Span{ended, part(40, 60)}},
	} {
		r := in(CatchingUp)
		r.Spans = slices.Clone(c.spans)
		if err := r.ReplayAgain(name, c.low, until(c.end, 99)); err != nil || !slices.Equal(r.Spans, c.want) {
			t.Errorf("%s: %+v, error %v", what, r.Spans, err)
		}
	}
}

func TestSpansAreBounded(t *testing.T) {
	t.Parallel()
	r := in(Retrying)
	for i := range uint64(MaxSpans) {
		if err := r.ReplayAgain(int64(i+1), 10*i+1, until(10*i+5, 99)); err != nil {
			t.Fatal(err)
		}
	}
	before := slices.Clone(r.Spans)
	if err := r.ReplayAgain(99, 2000, until(2005, 99)); !errors.Is(err, ErrTooMany) || !slices.Equal(r.Spans, before) {
		t.Errorf("error %v, %d spans", err, len(r.Spans))
	}
	// There is room for the open span all the same.
	r.leave()
	r.Open("a", 3000, at(2999))
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func TestRedeliver(t *testing.T) {
	t.Parallel()
	r := in(CatchingUp)
	r.NotBefore, r.Replay = noon, until(5, 4)
	r.Retries = []Retry{{Position: at(7), Attempts: 3, Next: noon}, {Position: at(9), Attempts: 3, Next: noon}}
	if err := r.Redeliver(at(55)); !errors.Is(err, ErrOnTheWay) || r.NotBefore.IsZero() {
		t.Errorf("one that a span has to come to: error %v", err)
	}
	other := event.Position{Seq: 9, Time: at(20).Time}
	for _, p := range []event.Position{at(3), at(7), other, at(12)} {
		if err := r.Redeliver(p); err != nil {
			t.Errorf("%d: %v", p.Seq, err)
		}
		if pending, retry := r.Waits(p); !pending && !retry || !r.WaitsForReplay(p) {
			t.Errorf("%d waits: pending %v, retry %v", p.Seq, pending, retry)
		}
	}
	want := Pending{{Position: at(3)}, {Position: other, Replay: true}, {Position: at(12), Replay: true}}
	if !slices.Equal(r.Pending, want) || len(r.Retries) != 1 || !r.Retries[0].Next.IsZero() || r.Retries[0].Attempts != 3 || !r.NotBefore.IsZero() {
		t.Errorf("%+v", r)
	}
}

// What an ended range may still owe leaves out what an activation has dropped, and what a span has already.
func TestOwe(t *testing.T) {
	t.Parallel()
	to := func(seq uint64) event.End { return until(seq, 99) }
	for name, c := range map[string]struct {
		last *Activation
		low  uint64
		want string
	}{
		"no activation":                      {nil, 10, "[10-50]"},
		"one that sends all":                 {&Activation{Replay: true, Until: to(30), From: to(30)}, 10, "[10-50]"},
		"one that drops beyond the window":   {&Activation{Replay: true, Until: to(20), From: to(30)}, 10, "[10-20 30-50]"},
		"one whose window ended before":      {&Activation{Replay: true, Until: to(5), From: to(30)}, 10, "[30-50]"},
		"one without a replay":               {&Activation{Until: to(20), From: to(30)}, 10, "[30-50]"},
		"one before the range":               {&Activation{From: to(10)}, 10, "[10-50]"},
		"one after the range":                {&Activation{From: to(60)}, 10, "[]"},
		"one after, and the window in there": {&Activation{Replay: true, Until: to(20), From: to(60)}, 10, "[10-20]"},
	} {
		r := New()
		if err := r.Owe(c.low, to(50), c.last); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range r.Spans {
			got = append(got, fmt.Sprintf("%d-%d", s.Cursor, s.To.Seq))
		}
		if text := "[" + strings.Join(got, " ") + "]"; text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
		was := len(r.Spans)
		if err := r.Owe(c.low, to(50), c.last); err != nil || len(r.Spans) != was {
			t.Errorf("%s: owed twice, it has %d spans, %v", name, len(r.Spans), err)
		}
	}
	r := New()
	for i := range uint64(MaxSpans - 1) {
		r.Spans = append(r.Spans, Span{From: 1000 * (i + 1), Cursor: 1000 * (i + 1), To: to(1000*(i+1) + 1)})
	}
	if err := r.Owe(10, to(50), &Activation{Replay: true, Until: to(20), From: to(30)}); !errors.Is(err, ErrTooMany) {
		t.Errorf("with as many spans as there may be: %v", err)
	}
	r.Spans = append(r.Spans, r.Spans[0])
	if err := r.Owe(10, to(50), &Activation{Replay: true, Until: to(20), From: to(30)}); !errors.Is(err, ErrTooMany) {
		t.Errorf("with more: %v", err)
	}
}
