package backlog

import (
	"slices"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// work attempts what is due: what waits by itself, then the spans.
func (r *worker) work() {
	r.spans = slices.Clone(r.record.Spans)
	held := map[uint64]event.Position{}
	for p := range r.record.Waiting() {
		held[p.Seq] = p
	}
	due := r.due()
	blocked := r.record.Ordered && len(due) < len(held)
	for _, w := range r.record.Done {
		held[w.Seq] = w.Position
	}
	r.witness(held)
	for _, w := range due {
		if !r.stopped && !r.seen.Is(w.Position) {
			r.try(w.Position, w.Attempts, w.Replay || r.record.Replays(w.Position))
		}
	}
	for i := range r.spans {
		if !r.stopped && !blocked {
			r.workSpan(&r.spans[i], held)
		}
	}
	r.update(func(*Record) {})
	r.spans = nil
}

// due are the events that wait by themselves and are to be attempted now.
func (r *worker) due() (due []Waiting) {
	for p := range r.record.Waiting() {
		i, retry := r.record.Retry(p)
		switch {
		case !retry:
			if j, _ := r.record.pending(p); !r.record.Crowded(r.record.Pending[j]) {
				due = append(due, r.record.Pending[j])
			}
		case !r.record.Retries[i].Next.After(r.now):
			x := r.record.Retries[i]
			due = append(due, Waiting{x.Position, x.Attempts, x.Replay})
		case r.record.Ordered:
			return due // what follows waits for it
		}
	}
	return due
}

// witness attempts the event that tells first whether an endpoint that failed as a whole takes events again.
func (r *worker) witness(held map[uint64]event.Position) {
	waits, spans := r.record.Witness(r.draw)
	for _, s := range slices.Backward(r.spans) {
		if spans && r.drawn(s, held) {
			return
		}
	}
	if waits.Seq == 0 {
		return
	}
	attempts := r.record.Attempts(waits)
	if i, retry := r.record.Retry(waits); retry {
		attempts = r.record.Retries[i].Attempts
	}
	r.seen = waits
	r.try(waits, attempts, r.record.WaitsForReplay(waits))
}

// drawn attempts an event from the middle of a span, if there is one that does not wait.
func (r *worker) drawn(s Span, held map[uint64]event.Position) bool {
	end := r.next()
	if !s.To.Open() {
		end = min(end, s.To.Seq)
	}
	for seq := s.Cursor + uint64(r.draw*float64(end-min(end, s.Cursor))); seq < end; seq++ {
		p := r.stream[seq-1]
		if known, waits := held[seq]; !p.Before(s.To) || waits && known.Is(p) {
			continue
		}
		r.seen, held[seq], r.more = p, p, false
		for _, other := range r.stream[s.Cursor-1 : end-1] {
			_, waits := held[other.Seq]
			r.more = r.more || !waits && other.Before(s.To)
		}
		r.asWitness = true
		r.try(p, 0, s.Replay != 0 || r.record.Replays(p))
		r.asWitness = false
		return true
	}
	return false
}

func (r *worker) workSpan(s *Span, held map[uint64]event.Position) {
	if from, anchor := r.goBack(*s); anchor != s.Anchor {
		r.say("the stream went back: the cursor goes from %d to %d", s.Cursor, from)
		s.Cursor, s.Anchor = from, anchor
	}
	for s.Cursor < r.next() && (s.To.Open() || s.Cursor < s.To.Seq) {
		p := r.stream[s.Cursor-1]
		if known, waits := held[p.Seq]; p.Before(s.To) && (!waits || !known.Time.IsZero() && !known.Is(p)) {
			r.try(p, 0, s.Replay != 0 || r.record.Replays(p))
		}
		s.Cursor, s.Anchor = p.Seq+1, p
		if r.stopped {
			return
		}
	}
	switch {
	case !s.To.Open():
		s.Cursor = s.To.Seq
	case !r.record.Ordered:
		r.close()
	}
}

// goBack is where a span goes on, with its anchor: elsewhere than it was where the stream does not have that any more.
func (w *world) goBack(s Span) (uint64, event.Position) {
	if s.Anchor.Seq == 0 || w.has(s.Anchor) {
		return s.Cursor, s.Anchor
	}
	cursor := w.later(s.Anchor.Time)
	return max(cursor, s.From), w.below(cursor)
}

// try attempts one event.
func (r *worker) try(p event.Position, attempts int, replay bool) {
	if r.between != nil {
		r.between()
	}
	t := Try{Attempt: r.attempt(p, attempts+1), Draw: r.draw, Witness: r.asWitness, More: r.asWitness && r.more}
	if t.Replay = replay; !r.has(p) {
		t.Missing = true
		r.note("backlog", p, "not in the stream any more", "")
		r.take(t)
		return
	}
	if t.Outcome = r.endpoint.answer(p.Seq); t.Outcome == delivery.Slow {
		t.Outcome = delivery.Delivered // it takes its time, which the backlog has
	}
	t.Error = answers[t.Outcome]
	if since, last := r.record.Last(t, &r.rules); last {
		t.Taken = r.endpoint.taken.After(since)
	}
	if r.record.Doubtful(t) {
		r.vouch()
	}
	r.note("backlog", p, string(t.Outcome), map[bool]string{true: ", as a replay"}[replay])
	r.point("attempting")
	r.take(t)
	pending, retry := r.record.Waits(p)
	switch {
	case t.Outcome.Class() == delivery.Success:
		r.endpoint.taken = r.now
		delete(r.owed, r.stream[p.Seq-1])
	case !pending && !retry:
		r.say("exhausted: %d", p.Seq)
		delete(r.owed, r.stream[p.Seq-1])
	}
}

// vouch asks the attempt log whether the endpoint took an event since it began to fail.
func (r *worker) vouch() {
	if r.endpoint.taken.After(r.record.Vouching(r.now)) {
		r.take(r.record.Vouched(r.now))
	}
}

func (r *worker) take(t Try) {
	r.tries = append(r.tries, t)
	if r.record.Take(t, &r.rules) > Doubt {
		r.stopped = true
	}
}

// end gives the lease back, unless there is more to do at once.
func (r *worker) end() (more bool) {
	r.update(func(b *Record) {
		at, never := b.Wake()
		if more = !never && !b.Empty() && !at.After(r.now); !more {
			b.Lease.Release(r.owner)
		}
	})
	if s, open := r.record.OpenSpan(); r.record.Ordered && open && r.record.State == CatchingUp && s.Cursor < r.next() {
		return more || never(r.record.Wake()) && !r.record.NotBefore.After(r.now)
	}
	return more
}

func never(_ time.Time, never bool) bool { return never }
