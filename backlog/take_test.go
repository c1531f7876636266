package backlog

import (
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// at is the event of a sequence, published that many seconds after noon.
func at(seq uint64) event.Position {
	return event.Position{Seq: seq, Time: noon.Add(time.Duration(seq) * time.Second)}
}

// tried is an attempt of an event, an hour after noon.
func tried(p event.Position, outcome delivery.Outcome, number int) Try {
	return Try{Draw: 0.5, Attempt: delivery.Attempt{
		Seq: p.Seq, Published: p.Time, Number: number, Outcome: outcome, At: noon.Add(time.Hour), Error: string(outcome),
	}}
}

// in is a record in a state, with its open span where it has one.
func in(state State) Record {
	r := New()
	if r.State = state; state == CatchingUp || state == Parked {
		r.Spans = []Span{{ID: "a", From: 50, Cursor: 50}}
	}
	return r
}

// What an attempt does to a record, by its outcome and the record's state.
func TestTake(t *testing.T) {
	t.Parallel()
	type want struct {
		effect         Effect
		state          State
		pending, retry bool
		failing        bool
		judge          Cause
	}
	live := tried(at(7), delivery.Status, 1)
	live.Streak = 1
	second := tried(at(7), delivery.Refused, 1)
	second.Streak = 2
	tenth := live
	tenth.Streak = 10
	for name, c := range map[string]struct {
		try  Try
		want map[State]want
	}{
		"delivered": {tried(at(7), delivery.Delivered, 1), map[State]want{
			Retrying: {effect: GoOn, state: Retrying}, CatchingUp: {effect: GoOn, state: CatchingUp}, Parked: {effect: GoOn, state: Parked},
		}},
		"unreachable": {tried(at(7), delivery.Refused, 1), map[State]want{
			Retrying:   {effect: Doubt, state: Retrying, retry: true, failing: true},
			Leaving:    {effect: Doubt, state: Leaving, retry: true, failing: true},
			CatchingUp: {effect: Doubt, state: CatchingUp, retry: true, failing: true},
			Parked:     {effect: Pause, state: Parked, pending: true},
		}},
		"the second in a row on the live path that is unreachable": {second, map[State]want{
			Retrying: {effect: Fail, state: Leaving, pending: true, failing: true},
		}},
		"410": {tried(at(7), delivery.Gone, 1), map[State]want{
			Retrying:   {effect: Fail, state: Leaving, retry: true, failing: true, judge: Gone},
			CatchingUp: {effect: Fail, state: CatchingUp, retry: true, failing: true, judge: Gone},
			Parked:     {effect: Pause, state: Parked, pending: true},
		}},
		"slow": {tried(at(7), delivery.Slow, 0), map[State]want{
			Retrying:   {effect: Pause, state: Leaving, pending: true},
			CatchingUp: {effect: Pause, state: CatchingUp, pending: true},
			Parked:     {effect: Pause, state: Parked, pending: true},
		}},
		"slow, without an event": {tried(event.Position{}, delivery.Slow, 0), map[State]want{
			Retrying: {effect: GoOn, state: Leaving}, CatchingUp: {effect: GoOn, state: CatchingUp}, Parked: {effect: GoOn, state: Parked},
		}},
		"cut off by our stop": {tried(at(7), delivery.Aborted, 1), map[State]want{
			Retrying: {effect: Pause, state: Retrying, pending: true}, CatchingUp: {effect: Pause, state: CatchingUp, pending: true},
			Parked: {effect: Pause, state: Parked, pending: true},
		}},
		"rejected": {tried(at(7), delivery.Status, 1), map[State]want{
			Retrying: {effect: GoOn, state: Retrying, retry: true}, CatchingUp: {effect: GoOn, state: CatchingUp, retry: true},
			Parked: {effect: Pause, state: Parked, pending: true},
		}},
		"rejected on the live path": {live, map[State]want{Retrying: {effect: GoOn, state: Retrying, retry: true}}},
		"the tenth in a row": {tenth, map[State]want{
			Retrying:   {effect: Fail, state: Leaving, retry: true, failing: true},
			CatchingUp: {effect: Fail, state: CatchingUp, retry: true, failing: true},
		}},
		"missing": {Try{Attempt: live.Attempt, Missing: true}, map[State]want{
			Retrying: {effect: GoOn, state: Retrying}, Parked: {effect: GoOn, state: Parked},
		}},
	} {
		for state, w := range c.want {
			t.Run(name+", "+string(state), func(t *testing.T) {
				t.Parallel()
				r, rules := in(state), usual()
				effect := r.Take(c.try, &rules)
				pending, retry := r.Waits(c.try.Position())
				if got := (want{effect, r.State, pending, retry, r.Health.Failing(), r.Judge}); got != w {
					t.Errorf("%+v, want %+v", got, w)
				}
				if err := r.Check(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// What is under way at once fails once: an attempt that began before the endpoint is in peace counts for nothing.
func TestTakeCountsFailuresAtOnceOnce(t *testing.T) {
	t.Parallel()
	r, rules := in(Retrying), usual()
	for seq := range uint64(5) {
		r.Take(tried(at(seq+1), delivery.Unavailable, 1), &rules)
	}
	if r.Health.Attempts != 1 || len(r.Retries) != 1 || len(r.Pending) != 4 {
		t.Errorf("%d failures, %d events back off, %d wait", r.Health.Attempts, len(r.Retries), len(r.Pending))
	}
	asked := tried(at(1), delivery.Unavailable, 2)
	asked.At, asked.RetryAfter = r.NotBefore, time.Minute
	r.Take(asked, &rules)
	if want := asked.At.Add(time.Minute); !r.NotBefore.Equal(want) {
		t.Errorf("the endpoint asked for peace until %s, and is left in it until %s", want, r.NotBefore)
	}
}

// More retries than there is room for are pending, and the endpoint is taken to fail as a whole.
func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	r, rules := in(Retrying), usual()
	var effect Effect
	for seq := range uint64(MaxRetries + 5) {
		effect = r.Take(tried(at(seq+1), delivery.Status, 1), &rules)
	}
	if len(r.Retries) != MaxRetries || len(r.Pending) != 5 || effect != Fail || r.State != Leaving {
		t.Errorf("%d retries, %d pending, effect %d, %s", len(r.Retries), len(r.Pending), effect, r.State)
	}
	// Of one that is a retry, one more rejection is no more than that.
	if effect := r.Take(tried(at(3), delivery.Status, 2), &rules); effect != GoOn {
		t.Errorf("effect %d", effect)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	for p := range r.Waiting() {
		if p != at(p.Seq) {
			t.Fatalf("%v waits", p)
		}
	}
}

// An event waits once, however it is handed over, with the most attempts that are known, and as a replay if it ever was one.
func TestTakeTheSameEventAgain(t *testing.T) {
	t.Parallel()
	replayed := tried(at(7), delivery.Refused, 2)
	replayed.Replay = true
	rejected := tried(at(7), delivery.Status, 3)
	cut := tried(at(7), delivery.Aborted, 9)
	cut.Replay = true
	for name, c := range map[string]struct {
		tries    []Try
		retry    bool
		attempts int
		replay   bool
	}{
		"handed over twice":              {[]Try{tried(at(7), delivery.Refused, 4), tried(at(7), delivery.Slow, 0)}, false, 4, false},
		"a replay that fails":            {[]Try{replayed, tried(at(7), delivery.Refused, 3)}, true, 3, true},
		"a replay that is rejected":      {[]Try{replayed, rejected}, true, 3, true},
		"a retry whose endpoint fails":   {[]Try{rejected, replayed}, true, 3, true},
		"a retry that is rejected again": {[]Try{rejected, tried(at(7), delivery.Redirect, 4)}, true, 4, false},
		"a retry that is cut off":        {[]Try{rejected, cut}, true, 3, true},
		"a pending one that is cut off":  {[]Try{tried(at(7), delivery.Slow, 3), cut}, false, 8, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, rules := in(CatchingUp), usual()
			for _, try := range c.tries {
				r.Take(try, &rules)
			}
			if n := len(slices.Collect(r.Waiting())); n != 1 {
				t.Fatalf("it waits %d times", n)
			}
			attempts := r.Attempts(at(7))
			i, retry := r.Retry(at(7))
			if retry {
				attempts = r.Retries[i].Attempts
			}
			if retry != c.retry || attempts != c.attempts || r.WaitsForReplay(at(7)) != c.replay {
				t.Errorf("retry %v, attempts %d, replay %v", retry, attempts, r.WaitsForReplay(at(7)))
			}
		})
	}
}

// The last rejection of an event: others were taken meanwhile, or it speaks for the endpoint.
func TestExhausted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		number  int
		after   time.Duration
		taken   bool
		ordered bool
		streak  int
		live    int
		mode    Mode
		last    bool
		given   bool
		effect  Effect
		judge   Cause
	}{
		"too few attempts":                    {number: 9, after: 48 * time.Hour, taken: true},
		"too early":                           {number: 20, after: 23 * time.Hour, taken: true},
		"others were taken":                   {number: 10, after: 24 * time.Hour, taken: true, last: true, given: true},
		"none was taken":                      {number: 10, after: 24 * time.Hour, last: true, effect: Fail, judge: Spent},
		"none was taken, and nobody judges":   {number: 10, after: 24 * time.Hour, mode: Off, last: true, given: true},
		"in order, after one that was taken":  {number: 10, after: 24 * time.Hour, ordered: true, streak: 1, last: true, given: true},
		"in order, after one that was not":    {number: 10, after: 24 * time.Hour, ordered: true, streak: 2, last: true, effect: Fail, judge: Spent},
		"in order, and it is not the last":    {number: 3, after: time.Hour, ordered: true, effect: Pause},
		"the live path's first is not a last": {number: 10, after: 24 * time.Hour, live: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, rules := in(CatchingUp), usual()
			if c.mode != "" {
				rules.Mode = c.mode
			}
			r.Take(tried(at(7), delivery.Status, 1), &rules)
			r.Ordered, r.Streak = c.ordered, c.streak
			try := tried(at(7), delivery.Status, c.number)
			try.At, try.Taken, try.Streak = try.At.Add(c.after), c.taken, c.live
			since, last := r.Last(try, &rules)
			if last != c.last || last && !since.Equal(noon.Add(time.Hour)) {
				t.Errorf("last %v since %s", last, since)
			}
			effect := r.Take(try, &rules)
			_, retry := r.Retry(at(7))
			if effect != c.effect || retry == c.given || len(r.Exhausted.Seqs) > 0 != c.given || r.Judge != c.judge {
				t.Errorf("effect %d, retry %v, given up %v, judge %q", effect, retry, r.Exhausted, r.Judge)
			}
			if c.given && (r.Exhausted.Attempts != c.number || r.Exhausted.Reason != "status") {
				t.Errorf("given up %+v", r.Exhausted)
			}
		})
	}
}

// A stream that went back has another event under a sequence. The later one of two waits, whichever is taken in first.
func TestTakeAnotherEventUnderTheSequence(t *testing.T) {
	t.Parallel()
	before, after := at(7), event.Position{Seq: 7, Time: noon.Add(time.Minute)}
	rules := usual()
	for _, waits := range []delivery.Outcome{delivery.Slow, delivery.Refused, delivery.Status} {
		for _, comes := range []delivery.Outcome{delivery.Slow, delivery.Refused, delivery.Status, delivery.Aborted, delivery.Delivered} {
			r := in(CatchingUp)
			r.Take(tried(before, waits, 10), &rules)
			r.Take(tried(after, comes, 1), &rules)
			pending, retry := r.Waits(after)
			if got := slices.Collect(r.Waiting()); comes != delivery.Delivered && !slices.Equal(got, []event.Position{after}) {
				t.Errorf("%s, then another %s: %v waits", waits, comes, got)
			} else if backs := comes == delivery.Status || comes == delivery.Refused && waits != delivery.Refused; comes != delivery.Delivered && (retry != backs || pending == backs) {
				t.Errorf("%s, then another %s: pending %v, retry %v", waits, comes, pending, retry)
			}

			r = in(CatchingUp)
			r.Take(tried(after, waits, 1), &rules)
			if effect := r.Take(tried(before, comes, 10), &rules); effect != GoOn {
				t.Errorf("effect %d", effect)
			}
			if got := slices.Collect(r.Waiting()); !slices.Equal(got, []event.Position{after}) {
				t.Errorf("%s, then what came of one that is gone, %s: %v waits", waits, comes, got)
			}
			missing := tried(before, delivery.Aborted, 2)
			missing.Missing = true
			r.Take(missing, &rules)
			if got := slices.Collect(r.Waiting()); !slices.Equal(got, []event.Position{after}) {
				t.Errorf("the one that is gone is missed: %v waits", got)
			}
			if _, last := r.Last(tried(before, delivery.Status, 99), &rules); last {
				t.Error("the rejection of one that is gone is the last of the other")
			}
		}
	}
	// A time that is not known, in a record that came from form 1, proves nothing.
	r := in(CatchingUp)
	r.Take(tried(event.Position{Seq: 7}, delivery.Refused, 3), &rules)
	if r.Take(tried(after, delivery.Refused, 4), &rules); len(r.Retries) != 1 || r.Retries[0].Attempts != 4 || r.Health.Events != 1 {
		t.Errorf("%v waits: %+v", r.Retries, r.Health)
	}
}

// A success ends what the endpoint's failures led to: what they told was of events.
func TestHeal(t *testing.T) {
	t.Parallel()
	for _, judge := range []Cause{Spent, Gone} {
		r, rules := in(CatchingUp), usual()
		r.Take(tried(at(7), delivery.Refused, 1), &rules)
		r.Judge, r.Told, r.Streak = judge, noon, 4
		r.Take(tried(at(7), delivery.Delivered, 2), &rules)
		if r.Judge != "" || r.Health != (Health{}) || !r.NotBefore.IsZero() || r.Streak != 0 || !r.Told.IsZero() || len(r.Pending) != 0 {
			t.Errorf("healed: %+v", r)
		}
		if len(r.Outbox) != 1 || r.Outbox[0].Kind != Recovered || !r.Outbox[0].Since.Equal(noon) {
			t.Errorf("people are told %v", r.Outbox)
		}
	}
}
