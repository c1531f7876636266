package backlog

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// What must not be written down is not, and Check says what it is.
func TestCheck(t *testing.T) {
	t.Parallel()
	open := Span{ID: "a", From: 50, Cursor: 50}
	ended := Span{From: 5, Cursor: 7, To: event.End{Seq: 9}}
	many := make([]Retry, MaxRetries+1)
	for i := range many {
		many[i].Seq = uint64(i + 1)
	}
	for want, change := range map[string]func(*Record){
		"":                                                      func(r *Record) { r.Spans = []Span{ended, ended} },
		`there is no state "asleep"`:                            func(r *Record) { r.State = "asleep" },
		`there is no state ""`:                                  func(r *Record) { r.State = "" },
		"retrying, and an open span: true":                      func(r *Record) { r.Spans = []Span{ended, open} },
		"leaving, and an open span: true":                       func(r *Record) { *r = in(Parked); r.State = Leaving },
		"catching-up, and an open span: false":                  func(r *Record) { r.State, r.Spans = CatchingUp, []Span{ended} },
		"parked, and an open span: false":                       func(r *Record) { r.State = Parked },
		"catching-up, and its host is tried":                    func(r *Record) { *r = in(CatchingUp); r.Probe.Failed = 1 },
		"parked, and to be judged, or people to be alarmed":     func(r *Record) { *r = in(Parked); r.Judge = Gone },
		"parked, and to be judged, or people to be alarmed ":    func(r *Record) { *r = in(Parked); r.Alarm = noon },
		"retrying, and to be judged: its events would not wait": func(r *Record) { r.Judge = Gone },
		`there is no cause "boredom"`:                           func(r *Record) { *r = in(Leaving); r.Judge = "boredom" },
		"pending events are not in order":                       func(r *Record) { r.Pending = Pending{{Position: at(3)}, {Position: at(2)}} },
		"pending events are not in order ":                      func(r *Record) { r.Pending = Pending{{Position: at(3)}, {Position: at(3)}} },
		"retries are not in order":                              func(r *Record) { r.Retries = []Retry{{Position: at(3)}, {Position: at(2)}} },
		"an event waits twice":                                  func(r *Record) { r.Pending, r.Retries = Pending{{Position: at(3)}}, []Retry{{Position: at(3)}} },
		"1001 retries":                                          func(r *Record) { r.Retries = many },
		"66 spans":                                              func(r *Record) { r.Spans = slices.Repeat([]Span{ended}, MaxSpans+2) },
		"an open span is not the last, or has no name":          func(r *Record) { *r = in(CatchingUp); r.Spans = []Span{open, open} },
		"an open span is not the last, or has no name ":         func(r *Record) { *r = in(CatchingUp); r.Spans[0].ID = "" },
	} {
		r := New()
		change(&r)
		err := r.Check()
		if want = strings.TrimSpace(want); want == "" {
			if err != nil {
				t.Errorf("%+v: %v", r, err)
			}
			continue
		}
		if !errors.Is(err, errIllegal) || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := r.Encode(); !errors.Is(err, errIllegal) {
			t.Errorf("%s is written down, error %v", want, err)
		}
	}
}

// What is next, and when a record is to be looked at again.
func TestNext(t *testing.T) {
	t.Parallel()
	soon, later := noon.Add(time.Minute), noon.Add(time.Hour)
	retry := func(seq uint64, next time.Time) Retry { return Retry{Position: at(seq), Next: next} }
	type next struct {
		step  Step
		at    time.Time
		wake  time.Time
		never bool
	}
	for name, c := range map[string]struct {
		state  State
		change func(*Record)
		want   next
	}{
		"nothing":                         {Retrying, func(*Record) {}, next{step: Remove, never: true}},
		"people may be told of more soon": {Retrying, func(r *Record) { r.Exhausted.Quiet = soon }, next{step: Wait, at: soon, wake: soon}},
		"that time is over":               {Retrying, func(r *Record) { r.Exhausted.Quiet = noon }, next{step: Tell, at: noon, wake: noon}},
		"an event was given up":           {Retrying, func(r *Record) { r.Exhausted.Seqs = []uint64{3} }, next{step: Tell}},
		"another within the hour":         {Retrying, func(r *Record) { r.Exhausted = ExhaustedEvents{Seqs: []uint64{3}, Quiet: soon} }, next{step: Wait, at: soon, wake: soon}},
		"a notice":                        {Parked, func(r *Record) { r.Outbox = []Notice{{Kind: Recovered}} }, next{step: Tell}},
		"an alarm":                        {CatchingUp, func(r *Record) { r.NotBefore, r.Alarm = later, soon }, next{step: Wait, at: soon, wake: soon}},
		"an alarm that is due":            {CatchingUp, func(r *Record) { r.NotBefore, r.Alarm = later, noon }, next{step: Tell, at: noon, wake: noon}},
		"an alarm after the quiet":        {CatchingUp, func(r *Record) { r.NotBefore, r.Alarm, r.Exhausted.Quiet = later, later, soon }, next{step: Wait, at: soon, wake: soon}},
		"leaving":                         {Leaving, func(r *Record) { r.NotBefore = later }, next{step: Open}},
		"leaving, and to be judged":       {Leaving, func(r *Record) { r.Judge = Gone }, next{step: Open}},
		"to be judged":                    {CatchingUp, func(r *Record) { r.Judge, r.NotBefore = Spent, later }, next{step: Judge}},
		"a pending event":                 {Retrying, func(r *Record) { r.Pending = Pending{{Position: at(3)}} }, next{step: Work}},
		"a pending event, and peace":      {CatchingUp, func(r *Record) { r.Pending, r.NotBefore = Pending{{Position: at(3)}}, soon }, next{step: Wait, at: soon, wake: soon}},
		"a span, and a retry for later":   {CatchingUp, func(r *Record) { r.Retries = []Retry{retry(3, later)} }, next{step: Work}},
		"retries":                         {Retrying, func(r *Record) { r.Retries = []Retry{retry(3, later), retry(4, soon)} }, next{step: Wait, at: soon, wake: soon}},
		"retries, and peace":              {Retrying, func(r *Record) { r.Retries, r.NotBefore = []Retry{retry(3, soon)}, later }, next{step: Wait, at: later, wake: later}},
		"in order, at rest":               {CatchingUp, func(r *Record) { r.Ordered = true }, next{step: Work, never: true}},
		"in order, at rest, and peace":    {CatchingUp, func(r *Record) { r.Ordered, r.NotBefore = true, soon }, next{step: Wait, never: true}},
		"in order, a later retry first":   {CatchingUp, func(r *Record) { r.Ordered, r.Retries = true, []Retry{retry(3, later), retry(4, soon)} }, next{step: Wait, at: later, wake: later}},
		"in order, a pending event": {CatchingUp, func(r *Record) {
			r.Ordered, r.Pending = true, Pending{{Position: at(2)}}
			r.Retries = []Retry{retry(3, later)}
		}, next{step: Work}},
		"in order, a span before the open": {CatchingUp, func(r *Record) {
			r.Ordered = true
			r.Spans = slices.Insert(r.Spans, 0, Span{From: 1, Cursor: 1, To: event.End{Seq: 9}})
		}, next{step: Work}},
		"parked":                            {Parked, func(r *Record) { r.Pending = Pending{{Position: at(3)}} }, next{step: Wait, never: true}},
		"parked, and in peace":              {Parked, func(r *Record) { r.Pending, r.NotBefore = Pending{{Position: at(3)}}, soon }, next{step: Wait, never: true}},
		"parked, the host is tried soon":    {Parked, func(r *Record) { r.Probe.Next = soon }, next{step: Wait, at: soon, wake: soon}},
		"parked, the host is tried at once": {Parked, func(r *Record) { r.Probe.Next = noon }, next{step: TryHost, at: noon, wake: noon}},
		"parked, and quiet before that":     {Parked, func(r *Record) { r.Probe.Next, r.Exhausted.Quiet = later, soon }, next{step: Wait, at: soon, wake: soon}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := in(c.state)
			c.change(&r)
			var got next
			got.step, got.at = r.Next(noon)
			got.wake, got.never = r.Wake()
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if err := r.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		judge  Cause
		mode   Mode
		outage bool
		want   Verdict
		reason string
	}{
		{"", On, false, CarryOn, "refused"},
		{Spent, On, false, Deactivate, "refused"},
		{Spent, On, true, BlameUs, "refused"},
		{Gone, On, true, Deactivate, "the endpoint answered 410 Gone"},
		{Spent, Observe, true, Watch, "refused"},
		{Gone, Observe, false, Watch, "the endpoint answered 410 Gone"},
		{Gone, Off, false, CarryOn, "the endpoint answered 410 Gone"},
	} {
		r, rules := in(CatchingUp), usual()
		r.Judge, r.Health.Last, rules.Mode = c.judge, "refused", c.mode
		if got := r.Verdict(&rules, c.outage); got != c.want || r.Reason() != c.reason {
			t.Errorf("%+v: verdict %d, reason %s", c, got, r.Reason())
		}
		if r.Acquit(); r.Judge != "" {
			t.Errorf("%+v: acquitted, and to be judged", c)
		}
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	var l Lease
	if l.Held(noon) || !l.Acquire("a", noon) || !l.Held(noon) {
		t.Errorf("a free lease is not taken: %+v", l)
	}
	if l.Acquire("b", noon.Add(LeaseTime-1)) || l.Owner != "a" {
		t.Errorf("a lease that is held is taken: %+v", l)
	}
	if !l.Acquire("a", noon.Add(time.Second)) || !l.Until.Equal(noon.Add(time.Second+LeaseTime)) {
		t.Errorf("the own lease is not taken again: %+v", l)
	}
	if l.Renew("b", noon) || l.Release("b") {
		t.Errorf("somebody else renews or gives back: %+v", l)
	}
	late := noon.Add(time.Hour)
	if l.Held(late) || !l.Renew("a", late) || !l.Held(late) {
		t.Errorf("a lease that has ended, and that nobody has taken, is not renewed: %+v", l)
	}
	if !l.Acquire("b", late.Add(LeaseTime)) || l.Renew("a", late) || l.Release("a") {
		t.Errorf("a lease that has ended is not the next one's: %+v", l)
	}
	if !l.Release("b") || l != (Lease{}) || l.Held(late) {
		t.Errorf("given back: %+v", l)
	}
}

// The host of an inactive webhook is tried until it is reached or the window is over, and people are told only where it was not
// reached before.
func TestProbed(t *testing.T) {
	t.Parallel()
	rules := usual()
	parked := func() Record {
		r := in(Parked)
		r.Follows, r.Probe, r.Health.Since = noon, Probe{Next: noon}, noon.Add(-time.Hour)
		return r
	}
	r := parked()
	if r.Probed(true, noon, &rules, 0.5); r.Probe != (Probe{}) || len(r.Outbox) != 0 {
		t.Errorf("reached at once: %+v", r)
	}
	r = parked()
	for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		if r.Probed(false, noon, &rules, 0.5); r.Probe != (Probe{Next: noon.Add(want), Failed: i + 1}) {
			t.Errorf("not reached: %+v", r.Probe)
		}
	}
	again := r
	if again.Probed(true, noon, &rules, 0.5); again.Probe != (Probe{}) || len(again.Outbox) != 1 || again.Outbox[0].Kind != Reachable {
		t.Errorf("reached again: %+v", again)
	}
	if r.Probed(false, noon.Add(rules.Window-time.Second), &rules, 0.5); r.Probe != (Probe{}) {
		t.Errorf("the window is over: %+v", r.Probe)
	}
	active := in(CatchingUp)
	if active.Probed(false, noon, &rules, 0.5); !reflect.DeepEqual(active, in(CatchingUp)) {
		t.Errorf("an active webhook: %+v", active)
	}
}

// What people are told and when, where the stories do not show it.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	rules := usual()
	r := in(CatchingUp)
	r.Take(tried(at(3), delivery.Refused, 1), &rules)
	since := r.Health.Since
	r.Watch(&rules)
	due := since.Add(rules.FailingAfter)
	if !r.Alarm.Equal(due) {
		t.Fatalf("the alarm is at %s", r.Alarm)
	}
	if r.Announce(due.Add(-1), &rules, false); len(r.Outbox) != 0 {
		t.Errorf("told too early: %v", r.Outbox)
	}
	if r.Announce(due, &rules, true); len(r.Outbox) != 0 || !r.Alarm.Equal(due.Add(rules.FailingAfter)) {
		t.Errorf("told in an outage: %v, alarm %s", r.Outbox, r.Alarm)
	}
	observed := rules
	observed.Mode = Observe
	quiet := r
	quiet.Announce(r.Alarm, &observed, false)
	r.Announce(r.Alarm, &rules, false)
	if len(r.Outbox) != 1 || !r.Outbox[0].Deactivation.Equal(since.Add(rules.After)) || !quiet.Outbox[0].Deactivation.IsZero() {
		t.Errorf("told %v, in mode observe %v", r.Outbox, quiet.Outbox)
	}
	if r.Watch(&rules); !r.Alarm.IsZero() || !r.Told.Equal(since) {
		t.Errorf("people know since %s, and the alarm is at %s", r.Told, r.Alarm)
	}
	first := r.Outbox[0]
	r.Outbox = append(r.Outbox, Notice{Kind: Recovered, At: first.At})
	if r.Stored(first); len(r.Outbox) != 1 || r.Outbox[0].Kind != Recovered {
		t.Errorf("one of two is stored: %v", r.Outbox)
	}
	r.Alarm = noon
	r.Health = Health{}
	if r.Watch(&rules); !r.Alarm.IsZero() {
		t.Errorf("the endpoint works, and the alarm is at %s", r.Alarm)
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	r := in(CatchingUp)
	if _, waits := r.First(); waits {
		t.Error("an event waits first")
	}
	if lowest, ok := r.Lowest(); !ok || lowest != 50 {
		t.Errorf("the lowest is %d, %v", lowest, ok)
	}
	r.Pending = Pending{{Position: at(4)}, {Position: at(9), Replay: true}, {Position: at(60)}}
	r.Retries = []Retry{{Position: at(2)}, {Position: at(5), Replay: true}, {Position: at(70)}}
	r.Replay = event.End{Seq: 5, AsOf: noon.Add(time.Minute)}
	var seqs []uint64
	for p := range r.Waiting() {
		seqs = append(seqs, p.Seq)
	}
	if !slices.Equal(seqs, []uint64{2, 4, 5, 9, 60, 70}) {
		t.Errorf("%v wait", seqs)
	}
	for i := range seqs {
		for range r.Waiting() {
			if i--; i < 0 {
				break
			}
		}
	}
	for seq, replay := range map[uint64]bool{2: true, 4: true, 5: true, 9: true, 60: false, 70: false} {
		if r.WaitsForReplay(at(seq)) != replay {
			t.Errorf("%d waits for a replay: %v", seq, !replay)
		}
	}
	if first, _ := r.First(); first != at(2) {
		t.Errorf("the first is %v", first)
	}
	if lowest, _ := r.Lowest(); lowest != 2 {
		t.Errorf("the lowest is %d", lowest)
	}
	r.Spans = nil
	if lowest, ok := r.Lowest(); !ok || lowest != 2 {
		t.Errorf("without spans the lowest is %d, %v", lowest, ok)
	}
}
