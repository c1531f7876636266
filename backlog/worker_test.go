package backlog

import (
	"bytes"
	"fmt"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// worker is one pass over the backlog of the world: what package runner does, one attempt after the other.
type worker struct {
	*world
	owner string

	// record is base, which is what was last read or written, with the tries taken in that came after it.
	record   Record
	base     []byte
	revision int
	tries    []Try
	spans    []Span

	// stopped is true if no further attempt is to begin; seen is the witness of the pass, and asWitness true while it is attempted.
	stopped, asWitness bool
	seen               event.Position
	// more says whether the span of the witness holds others.
	more bool
}

// over ends a pass: the process crashed, or somebody else has the lease, or there is nothing to work off.
type over struct{}

// run works the backlog off until nothing is due.
func (w *world) run() {
	for range 1000 {
		if !w.pass() {
			return
		}
	}
	w.tb.Fatalf("a backlog that is worked on without an end:\n%s", w.tell())
}

// pass is one way through. It says whether there is more to do at once.
func (w *world) pass() (more bool) {
	defer func() {
		if x := recover(); x != nil && x != any(over{}) {
			panic(x)
		}
	}()
	r := &worker{world: w, owner: fmt.Sprintf("process %d", w.owner+1)}
	r.begin()
	for worked := false; ; {
		step, _ := r.record.Next(w.now)
		if step == Work && r.record.State == Parked {
			w.tb.Fatalf("the backlog of an inactive webhook is worked off:\n%s", w.tell())
		}
		if step == Work && worked {
			step = Wait
		}
		switch step {
		case Tell:
			r.announce()
		case Open:
			r.open()
		case Judge:
			r.judge()
		case Work:
			worked = true
			r.work()
		case TryHost:
			reached := w.endpoint.mood != delivery.Refused
			w.say("host tried: reached %v", reached)
			r.update(func(b *Record) { b.Probed(reached, w.now, &w.rules, w.draw) })
		case Wait, Remove:
			return r.end()
		}
	}
}

// wake is when the backlog is next to be looked at; never, if that is until something happens.
func (w *world) wake() (at time.Time, never bool) {
	r, there := w.load()
	if !there {
		return time.Time{}, true
	}
	at, never = r.Wake()
	if r.Lease.Owner != "" {
		at, never = r.Lease.Until, false
	}
	return at, never
}

// tick lets a time pass.
func (w *world) tick(d time.Duration) {
	end := w.now.Add(d)
	for range 100_000 {
		at, never := w.wake()
		if never || at.After(end) {
			w.now = end
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		w.run()
	}
	w.tb.Fatalf("time stands still:\n%s", w.tell())
}

func (r *worker) point(name string) {
	if r.crashes(name) {
		panic(over{})
	}
}

// begin takes the lease, and brings record and webhook into line.
func (r *worker) begin() {
	b, there := r.load()
	if !there {
		known, open := r.opened()
		if !open {
			panic(over{})
		}
		b.Restore(known.id, known.from, event.Position{})
	}
	if !b.Lease.Acquire(r.owner, r.now) {
		panic(over{})
	}
	r.write(b)
	r.read()
	if ordered := r.hook.ordered; ordered != r.record.Ordered {
		r.update(func(b *Record) { b.Ordered = ordered })
	}
	r.reconcile()
	r.followHook()
}

func (r *worker) reconcile() {
	span, spanned := r.record.OpenSpan()
	known, open := r.opened()
	switch {
	case !spanned && !open || spanned && open && span.ID == known.id:
	case open:
		r.say("an open range without its span: worked off from where it begins")
		r.update(func(b *Record) { b.Restore(known.id, known.from, r.below(known.from)) })
	case r.rangeByID(span.ID) != nil:
		r.say("a span whose range has its end: ended too")
		to := event.End{Seq: max(r.rangeByID(span.ID).to.Seq, r.handed+1), AsOf: r.last().Time}
		r.endRange(span.ID, to)
		r.update(func(b *Record) { b.Close(to) })
	default:
		r.say("a span without its range: worked off up to the end of the stream")
		r.update(func(b *Record) { b.Orphan(event.End{Seq: max(r.next(), span.From), AsOf: r.last().Time}) })
	}
}

// followHook has the record follow what became of the webhook.
func (r *worker) followHook() {
	switch a := r.hook.activation; {
	case !r.hook.active:
		if r.record.State == Parked && r.record.Follows.Equal(r.hook.deactivated) {
			return
		}
		if _, open := r.record.OpenSpan(); !open {
			r.open()
		}
		r.update(func(b *Record) { b.Deactivate(r.hook.deactivated, r.hook.reason) })
	case a != nil && (r.record.State == Parked || !r.record.Follows.Equal(a.At)):
		r.update(func(b *Record) { b.Activate(*a) })
	}
}

// read reads the record, and takes in again what came since the last write.
func (r *worker) read() {
	b, there := r.load()
	if !there {
		panic(over{})
	}
	for _, t := range r.tries {
		b.Take(t, &r.rules)
	}
	r.record, r.base, r.revision = b, r.data, r.world.revision
}

// update writes the record, with what was attempted since the last write, while the lease is held.
func (r *worker) update(change func(*Record)) {
	if r.between != nil {
		r.between()
	}
	if r.world.revision != r.revision {
		r.read()
	}
	all := func(b *Record) {
		if !b.Lease.Renew(r.owner, r.now) {
			panic(over{})
		}
		b.Advance(r.spans)
		change(b)
		b.Watch(&r.rules)
	}
	all(&r.record)
	r.sameAgain(all)
	r.tries = nil
	r.write(r.record)
	if r.data == nil {
		panic(over{})
	}
	r.base, r.revision = r.data, r.world.revision
}

// sameAgain checks that the same tries and the same change make the same of the same record.
func (r *worker) sameAgain(change func(*Record)) {
	again, err := Decode(r.base, Form, r.now)
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, t := range r.tries {
		again.Take(t, &r.rules)
	}
	change(&again)
	if a, b := encode(r.tb, again), encode(r.tb, r.record); !bytes.Equal(a, b) {
		r.tb.Fatalf("%s became %s and then %s", r.base, b, a)
	}
}

func (r *worker) announce() {
	if !r.record.Alarm.IsZero() && !r.record.Alarm.After(r.now) {
		r.vouch()
	}
	r.update(func(b *Record) { b.Announce(r.now, &r.rules, r.outage) })
	for len(r.record.Outbox) > 0 {
		n := r.record.Outbox[0]
		r.say("told: %s", notice(n))
		r.point("telling")
		r.update(func(b *Record) { b.Stored(n) })
	}
}

// slack is how far ahead of the live path a range begins.
const slack = 2

func (r *worker) open() {
	from := r.handed + 1 + slack
	for _, known := range r.hook.ranges {
		if known.to.Seq <= r.next()+slack {
			from = max(from, known.to.Seq)
		}
	}
	r.hook.opened++
	id := fmt.Sprintf("r%d", r.hook.opened)
	r.update(func(b *Record) { b.Open(id, from, r.below(from)) })
	span, _ := r.record.OpenSpan()
	r.point("opening")
	r.openRange(span.ID, span.From)
}

func (r *worker) close() {
	span, _ := r.record.OpenSpan()
	to := event.End{Seq: max(r.handed+1, r.spans[len(r.spans)-1].Cursor, span.From), AsOf: r.last().Time}
	r.endRange(span.ID, to)
	r.point("closing")
	r.update(func(b *Record) { b.Close(to) })
}

func (r *worker) judge() {
	if r.record.Judge != Paused {
		r.vouch()
	}
	if r.record.Judge == "" {
		r.say("others were taken meanwhile")
		r.update(func(*Record) {})
		return
	}
	verdict := r.record.Verdict(&r.rules, r.outage)
	r.say("judged: %s", []string{"carry on", "deactivate", "watch", "blame us"}[verdict])
	if verdict != Deactivate {
		r.update((*Record).Acquit)
		return
	}
	r.hook.active, r.hook.deactivated, r.hook.reason = false, r.now, r.record.Reason()
	r.point("deactivating")
	r.update(func(b *Record) { b.Deactivate(r.hook.deactivated, r.hook.reason) })
}
