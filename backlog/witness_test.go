package backlog

import (
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// unreachable are the outcomes of an event that met an endpoint which took nothing.
var unreachable = []delivery.Outcome{
	delivery.Unavailable, delivery.DNS, delivery.Refused, delivery.TLS, delivery.Timeout, delivery.Broken, delivery.Forbidden,
}

// Whatever one event meets, it is the endpoint's only if another one meets it too, and the event's once another one is taken.
func TestOneEventIsNoProof(t *testing.T) {
	t.Parallel()
	for _, outcome := range unreachable {
		r, rules := in(Retrying), usual()
		for n := range 5 {
			if effect := r.Take(tried(at(7), outcome, n+1), &rules); effect != Doubt {
				t.Errorf("%s: effect %d", outcome, effect)
			}
		}
		if r.Health.Attempts != 5 || r.Health.Whole || !r.NotBefore.IsZero() || r.State != Retrying {
			t.Errorf("%s: %+v", outcome, r.Health)
		}
		met := r
		met.Retries = slices.Clone(r.Retries)
		if effect := met.Take(tried(at(8), outcome, 1), &rules); effect != Fail || !met.Health.Whole || met.State != Leaving {
			t.Errorf("%s, by another event too: effect %d, %+v", outcome, effect, met.Health)
		}
		r.Take(tried(at(8), delivery.Delivered, 1), &rules)
		if effect := r.Take(tried(at(7), outcome, 6), &rules); effect != GoOn || r.Health.Failing() || !r.Retries[0].Cleared {
			t.Errorf("%s, and another one was taken: effect %d, %+v", outcome, effect, r.Health)
		}
	}
}

// An endpoint that is known to take some events and fail others fails as a whole when ten different ones in a row do.
func TestSomeAreTakenAndSomeFail(t *testing.T) {
	t.Parallel()
	r, rules := in(CatchingUp), usual()
	r.Take(tried(at(1), delivery.Broken, 1), &rules)
	r.Take(tried(at(2), delivery.Delivered, 1), &rules)
	for seq := range uint64(StreakFails - 1) {
		if effect := r.Take(tried(at(seq+10), delivery.Broken, 1), &rules); effect != Doubt {
			t.Errorf("event %d: effect %d", seq, effect)
		}
	}
	if r.Health.Attempts != 1 {
		t.Errorf("what fails at once counts as %d failures", r.Health.Attempts)
	}
	if effect := r.Take(tried(at(40), delivery.Broken, 1), &rules); effect != Fail || !r.Health.Whole {
		t.Errorf("the tenth: effect %d, %+v", effect, r.Health)
	}
	// What met that is due at once when the endpoint is well again.
	r.Take(tried(at(50), delivery.Delivered, 1), &rules)
	if i, _ := r.Retry(at(10)); !r.Retries[i].Next.IsZero() {
		t.Errorf("event 10 is due at %s", r.Retries[i].Next)
	}
	if i, _ := r.Retry(at(1)); r.Retries[i].Next.IsZero() {
		t.Error("the first, which fails by itself, is due at once")
	}
}

// That the live path failed one event after it took another, or began, is no proof that others fail.
func TestTheFirstOfTheLivePath(t *testing.T) {
	t.Parallel()
	r, rules := in(Retrying), usual()
	for seq := range uint64(3) {
		try := tried(at(seq+1), delivery.Broken, 1)
		try.Streak = 1
		if effect := r.Take(try, &rules); effect != Doubt || r.Health.Events != 1 || r.Health.Event != at(1) || r.Health.Attempts != 1 {
			t.Errorf("event %d: effect %d, %+v", seq+1, effect, r.Health)
		}
	}
	if effect := r.Take(tried(at(2), delivery.Broken, 2), &rules); effect != Fail {
		t.Errorf("the retry of another: effect %d", effect)
	}
}

// The attempt log is asked while the live path attempts what the record does not see, and what it shows is of that failing only.
func TestVouched(t *testing.T) {
	t.Parallel()
	r, rules := in(Retrying), usual()
	failed := tried(at(7), delivery.Timeout, 1)
	if r.Doubtful(failed) {
		t.Error("it is asked before anything failed")
	}
	r.Take(failed, &rules)
	if rejected := tried(at(7), delivery.Status, 2); !r.Doubtful(failed) || r.Doubtful(rejected) {
		t.Error("it is asked of a rejection, or not of a failure")
	}
	now := failed.end().Add(time.Hour)
	if since := r.Vouching(now); !since.Equal(failed.end()) {
		t.Errorf("asked since %s", since)
	}
	r.Told = failed.end()
	earlier := Try{Well: true, Attempt: delivery.Attempt{At: failed.At.Add(-time.Second)}}
	if r.Take(earlier, &rules); !r.Health.Failing() {
		t.Error("what was taken before it failed tells that it is well")
	}
	if r.Take(r.Vouched(now), &rules); r.Health.Failing() || len(r.Outbox) != 1 || !r.Outbox[0].At.Equal(now) {
		t.Errorf("it still fails: %+v, outbox %v", r.Health, r.Outbox)
	}
	r.Judge = Gone
	if since := r.Vouching(now); !since.Equal(now.Add(-time.Minute)) {
		t.Errorf("after a 410 asked since %s", since)
	}
}

// The event that tells whether the endpoint takes events again is another one as often as can be.
func TestWitness(t *testing.T) {
	t.Parallel()
	whole := Health{Attempts: 2, Whole: true}
	odd := Health{Attempts: 3, Whole: true}
	pending := func(attempts ...int) (p Pending) {
		for i, n := range attempts {
			p = append(p, Waiting{Position: at(uint64(i + 1)), Attempts: n})
		}
		return p
	}
	for name, c := range map[string]struct {
		record Record
		draw   float64
		waits  uint64
		spans  bool
	}{
		"it does not fail as a whole":    {Record{Health: Health{Attempts: 1}, Pending: pending(0)}, 0, 0, false},
		"in order":                       {Record{Health: whole, Ordered: true, Pending: pending(0)}, 0, 0, false},
		"the least attempts":             {Record{Health: whole, Pending: pending(2, 1, 1, 3)}, 0, 2, false},
		"drawn among them":               {Record{Health: whole, Pending: pending(2, 1, 1, 3)}, 0.99, 3, false},
		"a retry":                        {Record{Health: whole, Pending: pending(3), Retries: []Retry{{Position: at(9), Attempts: 2}}}, 0.5, 9, false},
		"one that fails by itself":       {Record{Health: whole, Pending: pending(3), Retries: []Retry{{Position: at(9), Cleared: true}}}, 0.5, 1, false},
		"one that was not tried":         {Record{Health: whole, Pending: pending(0), Spans: in(CatchingUp).Spans}, 0, 1, false},
		"one of the spans in its turn":   {Record{Health: odd, Pending: pending(0), Spans: in(CatchingUp).Spans}, 0, 1, true},
		"all that wait were tried":       {Record{Health: whole, Pending: pending(1), Spans: in(CatchingUp).Spans}, 0, 1, true},
		"nothing waits":                  {Record{Health: whole, Spans: in(CatchingUp).Spans}, 0, 0, true},
		"as many are done as may be":     {Record{Health: odd, Pending: pending(1), Spans: in(CatchingUp).Spans, Done: make(Pending, MaxDone)}, 0, 1, false},
		"nothing waits, and no spans":    {Record{Health: odd}, 0, 0, false},
		"in turn, but there are no more": {Record{Health: odd, Pending: pending(4)}, 0, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if waits, spans := c.record.Witness(c.draw); waits.Seq != c.waits || spans != c.spans {
				t.Errorf("%d waits, spans %v; want %d, %v", waits.Seq, spans, c.waits, c.spans)
			}
		})
	}
}

// What the endpoint took before its span came to it is passed over, until the cursor is there. Another event under its sequence is not.
func TestDone(t *testing.T) {
	t.Parallel()
	r, rules := in(CatchingUp), usual()
	witness := tried(at(60), delivery.Delivered, 1)
	witness.Witness = true
	r.Take(witness, &rules)
	if r.Spanned(at(60)) || !r.Spanned(at(61)) || len(r.Done) != 1 {
		t.Errorf("done are %v", r.Done)
	}
	again := event.Position{Seq: 60, Time: noon.Add(time.Hour)}
	if !r.Spanned(again) {
		t.Error("another event under the sequence is passed over")
	}
	witness.Published = again.Time
	if r.Take(witness, &rules); len(r.Done) != 1 || r.Spanned(again) {
		t.Errorf("done are %v", r.Done)
	}
	come := slices.Clone(r.Spans)
	come[0].Cursor = 60
	if r.Advance(come); len(r.Done) != 1 {
		t.Error("it is forgotten before the cursor has passed it")
	}
	come[0].Cursor = 61
	if r.Advance(come); len(r.Done) != 0 {
		t.Errorf("done are %v", r.Done)
	}
	// So is one that failed as the witness, and was taken later; and one that is exhausted.
	failed := tried(at(70), delivery.Refused, 1)
	failed.Witness = true
	r.Take(failed, &rules)
	r.Take(tried(at(70), delivery.Delivered, 2), &rules)
	r.Take(tried(at(71), delivery.Status, 1), &rules)
	last := tried(at(71), delivery.Status, 10)
	last.At, last.Taken = last.At.Add(25*time.Hour), true
	r.Take(last, &rules)
	if r.Spanned(at(70)) || r.Spanned(at(71)) || len(slices.Collect(r.Waiting())) > 0 {
		t.Errorf("done are %v, exhausted %v", r.Done, r.Exhausted.Seqs)
	}
	r.Done = Pending{{Position: at(4)}, {Position: at(3)}}
	if r.Check() == nil {
		t.Error("a record is legal whose done events are out of order")
	}
}

// Where as many back off by themselves as may, the one that was attempted most often ends for another one.
func TestRoomForAnother(t *testing.T) {
	t.Parallel()
	rules := usual()
	for _, outcome := range []delivery.Outcome{delivery.Status, delivery.Broken} {
		r := in(CatchingUp)
		for seq := range uint64(MaxRetries) {
			r.Retries = append(r.Retries, Retry{Position: at(seq + 1), Attempts: 9, Cleared: true})
		}
		r.Retries[4].Attempts, r.Retries[5].Attempts, r.Retries[6].Attempts, r.Retries[7].Attempts = 12, 14, 14, 20
		r.Retries[7].Cleared = false
		if effect := r.Take(tried(at(2000), outcome, 1), &rules); effect == Fail || !slices.Equal(r.Exhausted.Seqs, []uint64{6}) || len(r.Retries) != MaxRetries {
			t.Errorf("%s: effect %d, exhausted %v, %d retries", outcome, effect, r.Exhausted.Seqs, len(r.Retries))
		}
		r.Take(tried(at(2001), outcome, 1), &rules)
		r.Take(tried(at(2002), outcome, 1), &rules)
		if _, again := r.Retry(at(2002)); !again || !slices.Equal(r.Exhausted.Seqs, []uint64{5, 6, 7}) {
			t.Errorf("%s: exhausted %v", outcome, r.Exhausted.Seqs)
		}
		// None was attempted often enough any more: the endpoint is left in peace, and the event waits for room.
		r.Health = Health{}
		if effect := r.Take(tried(at(2003), outcome, 1), &rules); effect != Fail || len(r.Pending) != 1 || r.NotBefore.IsZero() {
			t.Errorf("%s, and there is no room: effect %d, %d pending", outcome, effect, len(r.Pending))
		}
		r.heal(noon.Add(time.Hour))
		if !r.Crowded(r.Pending[0]) || r.Crowded(Waiting{}) {
			t.Errorf("%s: what failed does not wait for room, or what did not does", outcome)
		}
		r.State, r.Spans = Retrying, nil
		for i := range r.Retries {
			r.Retries[i].Next = noon.Add(2 * time.Hour)
		}
		if due, never := r.Due(); never || !due.Equal(noon.Add(2*time.Hour)) {
			t.Errorf("%s: due at %s, never %v", outcome, due, never)
		}
	}
}

// A record that was written before is read, and what it says goes on: the failures that it counted are proven again.
func TestARecordWrittenBefore(t *testing.T) {
	t.Parallel()
	const before = `{"v":2,"state":"catching-up","pending":"AwQ","spans":[{"id":"a","from":50,"cursor":50}],` +
		`"health":{"attempts":4,"since":"2026-03-01T12:00:00Z","last":"status 503"},"not_before":"2026-03-01T12:00:15Z",` +
		`"retries":[{"seq":9,"time":"2026-03-01T12:00:09Z","attempts":2,"since":"2026-03-01T12:00:00Z","next":"2026-03-01T12:00:04Z"}]}`
	r, err := Decode([]byte(before), Form, noon)
	if err != nil {
		t.Fatal(err)
	}
	rules := usual()
	if r.Health.Attempts != 4 || r.Health.Whole || r.Retries[0].Cleared {
		t.Errorf("read as %+v", r)
	}
	if r.Take(tried(at(9), delivery.Broken, 3), &rules); r.Health.Attempts != 5 || r.Health.Events != 1 {
		t.Errorf("the first failure: %+v", r.Health)
	}
	if effect := r.Take(tried(at(10), delivery.Broken, 3), &rules); effect != Fail || !r.Health.Since.Equal(noon) {
		t.Errorf("the second: effect %d, %+v", effect, r.Health)
	}
}

// A parked record whose webhook does not say that it is inactive goes on, with all that waits.
func TestResume(t *testing.T) {
	t.Parallel()
	r := in(Parked)
	r.Retries = []Retry{{Position: at(9), Cleared: true}}
	if r.Resume(noon); r.State != CatchingUp || len(r.Retries) != 1 || r.Retries[0].Cleared {
		t.Errorf("resumed as %+v", r)
	}
	if r.Resume(noon.Add(time.Hour)); !r.Follows.Equal(noon) {
		t.Error("one that is not parked is resumed")
	}
}

// In order what follows waits for an event that fails by itself, too.
func TestInOrderAllWaits(t *testing.T) {
	t.Parallel()
	r, rules := in(CatchingUp), usual()
	r.Ordered, r.Retries = true, []Retry{{Position: at(7), Attempts: 1, Cleared: true}}
	if effect := r.Take(tried(at(7), delivery.Broken, 2), &rules); effect != Pause || r.Health.Failing() {
		t.Errorf("effect %d, %+v", effect, r.Health)
	}
}

// An endpoint that is left in peace is so for less long from what it has not met, by how much of such it has failed; not in order,
// nor where others wait for it to have room.
func TestLeftInPeaceFromWhatItHasMet(t *testing.T) {
	t.Parallel()
	r, rules := in(CatchingUp), usual()
	last := noon
	fail := func(seq uint64, number int, more bool) {
		try := tried(at(seq), delivery.Refused, number)
		try.At, try.More, try.Draw = last, more, 0.5
		r.Take(try, &rules)
		last = r.NotBefore
	}
	wait := func(of time.Time, want time.Duration) {
		t.Helper()
		if got := r.NotBefore.Sub(of); got < want || got > want+want/10 {
			t.Errorf("left in peace for %v, not for %v", got, want)
		}
	}
	for number := range 8 {
		fail(1, number+1, false)
	}
	fail(2, 1, false)
	for number := range 4 {
		fail(2, number+2, false)
	}
	if r.Health.Met != 1 || !r.Hopes() {
		t.Fatalf("%d events that it had not met, and hope: %v", r.Health.Met, r.Hopes())
	}
	begin := r.Unmet
	if r.Meet(); !r.NotBefore.Equal(begin) || r.Hopes() {
		t.Errorf("until %s, not %s", r.NotBefore, begin)
	}
	for i, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		begin = last
		fail(uint64(i)+10, 1, true)
		wait(begin, want)
	}
	begin = last
	fail(10, 2, false)
	wait(begin, 15*time.Minute)
	r.Take(Try{Attempt: delivery.Attempt{Seq: 20, Published: at(20).Time, Outcome: delivery.Slow}}, &rules)
	if !r.NotBefore.Equal(r.Unmet) {
		t.Error("an event that was handed over without an attempt waits for what others met")
	}
	ordered := r
	ordered.Ordered, ordered.NotBefore = true, r.Unmet.Add(time.Hour)
	if ordered.Hopes() {
		t.Error("in order, an event is attempted before those before it")
	}
}

// What failed before the endpoint took an event says nothing more of the endpoint, wherever it waits.
func TestWhatFailedBefore(t *testing.T) {
	t.Parallel()
	r, rules := in(CatchingUp), usual()
	for seq := range uint64(StreakFails + 2) {
		r.hold(Waiting{at(seq + 1), 3, false})
	}
	r.hold(Waiting{at(50), 0, false})
	r.Health = Health{Attempts: 30, Whole: true, Since: noon, Last: "status 503"}
	r.Take(tried(at(60), delivery.Delivered, 1), &rules)
	if len(r.Pending) != 1 || len(r.Retries) != StreakFails+2 {
		t.Fatalf("%d are pending, %d are retries", len(r.Pending), len(r.Retries))
	}
	for seq := range uint64(StreakFails + 2) {
		if effect := r.Take(tried(at(seq+1), delivery.Unavailable, 4), &rules); effect != GoOn || r.Health.Failing() {
			t.Fatalf("event %d: effect %d, %+v", seq+1, effect, r.Health)
		}
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	full := in(CatchingUp)
	for seq := range uint64(MaxRetries + 5) {
		full.hold(Waiting{at(seq + 1), 1, false})
	}
	full.Take(tried(at(5000), delivery.Delivered, 1), &rules)
	if err := full.Check(); err != nil || len(full.Retries) != MaxRetries || len(full.Pending) != 5 {
		t.Errorf("%d retries, %d pending: %v", len(full.Retries), len(full.Pending), err)
	}
}
