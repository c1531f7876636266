package backlog

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// usual are the rules that a process has by default.
func usual() Rules {
	return Rules{
		Backoff: delivery.Backoff{Initial: time.Second, Max: 15 * time.Minute}, After: 24 * time.Hour, Attempts: 10, Mode: On,
		FailingAfter: 15 * time.Minute, Window: 5 * 24 * time.Hour,
	}
}

// world is one webhook with all that stands around its backlog: the stream, the live path, the webhook's record, the
// endpoint, and the bucket that keeps the record. It is as simple as it can be; whatever is to be decided, the record does.
type world struct {
	tb    testing.TB
	now   time.Time
	draw  float64
	rules Rules
	// outage says that our own network seems to be down.
	outage bool

	// stream has the events that were published, handed is the sequence up to which the live path was handed them out.
	stream []event.Position
	handed uint64

	hook     hook
	endpoint endpoint

	// data is the record in the bucket, nil if there is none; each write has a revision.
	data     []byte
	revision int
	// owner is the name of the process that works the backlog off: a new one after each crash.
	owner int
	// crash is the point at which the process crashes next, empty for none.
	crash string
	// between is called where others may change the record while a runner works. It is nil in the stories.
	between func()

	log []line
	// owed are the events that were published for the webhook and that nobody is done with.
	owed map[event.Position]bool
}

// hook is what the webhook's record says.
type hook struct {
	active      bool
	ordered     bool
	deactivated time.Time
	reason      string
	ranges      []part
	opened      int
	activation  *Activation
	// streak and failed count the events of the live path in a row that were rejected, or met an endpoint that took nothing.
	streak, failed int
}

// part is a range of the webhook: what the live path leaves to the backlog.
type part struct {
	id   string
	from uint64
	to   event.End
}

func (p part) holds(at event.Position) bool { return at.Seq >= p.from && at.Before(p.to) }

func newWorld(tb testing.TB) *world {
	return &world{tb: tb, now: noon, draw: 0.5, rules: usual(), hook: hook{active: true}, owed: map[event.Position]bool{}}
}

// endpoint is who gets the events.
type endpoint struct {
	// mood is what comes of each attempt; the events in of meet another outcome.
	mood delivery.Outcome
	of   map[uint64]delivery.Outcome
	// taken is when it last took an event.
	taken time.Time
}

// answers are what the outcomes are in a sentence.
var answers = map[delivery.Outcome]string{
	delivery.Refused: "connection refused", delivery.Status: "status 500", delivery.Gone: "status 410", delivery.Slow: "too slow",
	delivery.Unavailable: "status 503", delivery.Aborted: "cut off",
}

func (e *endpoint) answer(seq uint64) delivery.Outcome {
	if outcome, special := e.of[seq]; special {
		return outcome
	}
	if e.mood == "" {
		return delivery.Delivered
	}
	return e.mood
}

// publish adds an event to the stream. The live path comes to it with deliver.
func (w *world) publish() {
	w.now = w.now.Add(time.Millisecond)
	p := event.Position{Seq: w.next(), Time: w.now}
	w.stream = append(w.stream, p)
	w.owed[p] = true
}

// next is the sequence that the next event gets.
func (w *world) next() uint64 { return uint64(len(w.stream)) + 1 }

// last is the newest event; zero if there is none.
func (w *world) last() event.Position { return w.below(w.next()) }

// below is the newest event below a sequence.
func (w *world) below(seq uint64) event.Position {
	if n := min(seq-1, uint64(len(w.stream))); n > 0 {
		return w.stream[n-1]
	}
	return event.Position{}
}

// has says whether the stream holds an event.
func (w *world) has(p event.Position) bool {
	return p.Seq < w.next() && (p.Time.IsZero() || w.stream[p.Seq-1].Is(p))
}

// later is the sequence of the first event later than a time.
func (w *world) later(at time.Time) uint64 {
	for _, p := range w.stream {
		if p.Time.After(at) {
			return p.Seq
		}
	}
	return w.next()
}

// back takes the newest events out of the stream, as a loss of power does.
func (w *world) back(n int) {
	w.stream = w.stream[:max(len(w.stream)-n, 0)]
	w.handed = min(w.handed, uint64(len(w.stream)))
	for p := range w.owed {
		if !w.has(p) {
			delete(w.owed, p)
		}
	}
}

// deliver has the live path attempt what it was not handed out yet: each event once, but those in a range.
func (w *world) deliver() {
	leaving := false
	for w.handed < uint64(len(w.stream)) {
		p := w.stream[w.handed]
		w.handed++
		t := Try{Attempt: w.attempt(p, 0)}
		switch {
		case slices.ContainsFunc(w.hook.ranges, func(r part) bool { return r.holds(p) }):
			w.note("live path", p, "left to the backlog", "")
			w.hope()
			continue
		case leaving || !w.hook.active || w.hook.ordered || w.endpoint.answer(p.Seq) == delivery.Slow:
			t.Outcome = delivery.Slow
			w.note("live path", p, "handed over", "")
		default:
			t.Number, t.Outcome = 1, w.endpoint.answer(p.Seq)
			w.note("live path", p, string(t.Outcome), "")
		}
		switch t.Error = answers[t.Outcome]; t.Outcome.Class() {
		case delivery.Success:
			w.endpoint.taken, w.hook.streak, w.hook.failed = w.now, 0, 0
			delete(w.owed, p)
			w.hope()
			continue
		case delivery.Rejected:
			w.hook.streak++
			t.Streak = w.hook.streak
		default:
			if t.Outcome != delivery.Slow {
				w.hook.failed++
				t.Streak = w.hook.failed
			}
			leaving = leaving || t.Outcome == delivery.Slow || t.Outcome == delivery.Gone || w.hook.failed > 1
		}
		t.Draw = w.draw
		if err := w.upsert(func(r *Record) error { r.Take(t, &w.rules); return nil }); err != nil {
			w.tb.Fatal(err)
		}
	}
}

// hope has a backlog that leaves its endpoint in peace look at an event that the live path left to it, or at what that took.
func (w *world) hope() {
	r, there := w.load()
	_, open := w.opened()
	if !there || !open || !w.hook.active || !r.Hopes() {
		return
	}
	if w.endpoint.taken.After(r.Vouching(w.now)) {
		r.Take(r.Vouched(w.now), &w.rules)
	} else {
		r.Meet()
	}
	w.write(r)
}

func (w *world) attempt(p event.Position, number int) delivery.Attempt {
	return delivery.Attempt{Seq: p.Seq, Published: p.Time, Number: number, At: w.now}
}

// load reads the record; a new one if there is none.
func (w *world) load() (Record, bool) {
	if w.data == nil {
		return New(), false
	}
	r, err := Decode(w.data, Form, w.now)
	if err != nil {
		w.tb.Fatalf("%s cannot be read: %v", w.data, err)
	}
	return r, true
}

// upsert changes the record as somebody who has no lease does.
func (w *world) upsert(change func(*Record) error) error {
	r, _ := w.load()
	if err := change(&r); err != nil {
		return err
	}
	w.write(r)
	return nil
}

// write keeps the record, or removes one with nothing outstanding. It must be legal, and be read as what it was.
func (w *world) write(r Record) {
	w.revision++
	if r.Empty() {
		w.data = nil
		return
	}
	w.data = encode(w.tb, r)
	read, _ := w.load()
	if again := encode(w.tb, read); !bytes.Equal(again, w.data) {
		w.tb.Fatalf("%s was read and written as %s", w.data, again)
	}
	if !reflect.DeepEqual(trimmed(read), trimmed(r)) {
		w.tb.Fatalf("%+v was read as %+v", r, read)
	}
}

func encode(tb testing.TB, r Record) []byte {
	tb.Helper()
	data, err := r.Encode()
	if err != nil {
		tb.Fatalf("%+v: %v", r, err)
	}
	return data
}

// trimmed is a record whose empty lists are nil, as those of one that was read.
func trimmed(r Record) Record {
	r.Pending, r.Retries, r.Spans = orNil(r.Pending), orNil(r.Retries), orNil(r.Spans)
	r.Done, r.Outbox, r.Exhausted.Seqs = orNil(r.Done), orNil(r.Outbox), orNil(r.Exhausted.Seqs)
	return r
}

func orNil[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return s
}

// openRange and endRange change the webhook's record.
func (w *world) openRange(id string, from uint64) {
	if w.rangeByID(id) == nil {
		w.hook.ranges = append(w.hook.ranges, part{id: id, from: from})
	}
}

func (w *world) endRange(id string, to event.End) { w.rangeByID(id).to = to }

func (w *world) rangeByID(id string) *part {
	if i := slices.IndexFunc(w.hook.ranges, func(r part) bool { return r.id == id }); i >= 0 {
		return &w.hook.ranges[i]
	}
	return nil
}

// opened is the open range.
func (w *world) opened() (part, bool) {
	if n := len(w.hook.ranges); n > 0 && w.hook.ranges[n-1].to.Open() {
		return w.hook.ranges[n-1], true
	}
	return part{}, false
}

// errInactive and errActive are what people are told who ask for what cannot be.
var (
	errInactive = errors.New("the webhook is inactive")
	errActive   = errors.New("the webhook is active")
)

// activate is what a person does about an inactive webhook. The record follows at once, unless a crash comes first.
func (w *world) activate(replay bool) error {
	if w.hook.active {
		return errActive
	}
	end := event.End{Seq: w.next(), AsOf: w.last().Time}
	a := Activation{At: w.now, Deactivated: w.hook.deactivated, Replay: replay, Until: end, From: end}
	if closes := w.hook.deactivated.Add(w.rules.Window); !closes.After(w.now) {
		if seq := w.later(closes.Add(-1)); seq < end.Seq {
			a.Until = event.End{Seq: seq, AsOf: closes.Add(-1)}
		}
	}
	for p := range w.owed {
		if a.drops(p) {
			delete(w.owed, p)
		}
	}
	w.hook.active, w.hook.activation, w.hook.deactivated, w.hook.reason = true, &a, time.Time{}, ""
	if w.crashes("activating") {
		return nil
	}
	return w.upsert(func(r *Record) error { w.follow(r, a); return nil })
}

// follow has the record follow an activation. An open range that the record has lost is restored before.
func (w *world) follow(r *Record, a Activation) {
	if known, open := w.opened(); open {
		if s, spanned := r.OpenSpan(); !spanned || s.ID != known.id {
			r.Restore(known.id, known.from, event.Position{})
		}
	}
	r.Activate(a)
}

// redeliver and replay are what a person asks for about an active webhook.
func (w *world) redeliver(seq uint64) error {
	switch {
	case !w.hook.active:
		return errInactive
	case seq == 0 || seq >= w.next():
		return fmt.Errorf("there is no event %d", seq)
	}
	p := w.stream[seq-1]
	before, _ := w.load()
	err := w.upsert(func(r *Record) error { return r.Redeliver(p) })
	if pending, retry := before.Waits(p); err == nil && !pending && !retry {
		w.owed[p] = true // what waited is under way perhaps, and sent once
	}
	return err
}

func (w *world) replay(low, high uint64) error {
	if !w.hook.active {
		return errInactive
	}
	end := event.End{Seq: min(high, w.handed) + 1, AsOf: w.last().Time}
	before, _ := w.load()
	err := w.upsert(func(r *Record) error { return r.ReplayAgain(w.now.UnixNano(), low, end) })
	for seq := max(low, 1); err == nil && seq < end.Seq; seq++ {
		if p := w.stream[seq-1]; !before.Spanned(p) {
			w.owed[p] = true
		}
	}
	return err
}

// crashes says whether the process crashes at a point.
func (w *world) crashes(point string) bool {
	if w.crash != point {
		return false
	}
	w.crash = ""
	w.owner++
	w.say("crash (%s)", point)
	return true
}
