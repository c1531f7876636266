package backlog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/saumer/saumer/event"
)

// line is what happened in the world, as often as it did without anything else between.
type line struct {
	from, to  time.Time
	who, what string
	seqs      map[uint64]bool
	times     int
}

// note notes what became of an event.
func (w *world) note(who string, p event.Position, what, as string) {
	w.add(who+": ", what+as)
	w.log[len(w.log)-1].seqs[p.Seq] = true
}

// say notes what is not of a record.
func (w *world) say(format string, args ...any) { w.add("", fmt.Sprintf(format, args...)) }

func (w *world) add(who, what string) {
	if n := len(w.log); n == 0 || w.log[n-1].who != who || w.log[n-1].what != what {
		w.log = append(w.log, line{from: w.now, who: who, what: what, seqs: map[uint64]bool{}})
	}
	last := &w.log[len(w.log)-1]
	last.to = w.now
	last.times++
}

func (l line) String() string {
	s := clock(l.from)
	if to := clock(l.to); to != s {
		s += " to " + to
	}
	s += "  " + l.who
	if len(l.seqs) > 0 {
		s += sequences(slices.Sorted(maps.Keys(l.seqs))) + " "
	}
	if s += l.what; l.times > max(len(l.seqs), 1) {
		s += fmt.Sprintf(", %d times", l.times)
	}
	return s
}

// sequences are ascending numbers, such as 1-3 5.
func sequences(seqs []uint64) string {
	var parts []string
	for i := 0; i < len(seqs); {
		j := i
		for j+1 < len(seqs) && seqs[j+1] == seqs[j]+1 {
			j++
		}
		if part := fmt.Sprint(seqs[i]); i == j {
			parts = append(parts, part)
		} else {
			parts = append(parts, fmt.Sprintf("%s-%d", part, seqs[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, " ")
}

// tell is what happened since it was last told, and how the world is after it.
func (w *world) tell() string {
	var s strings.Builder
	for _, l := range w.log {
		fmt.Fprintln(&s, l)
	}
	w.log = nil
	fmt.Fprintf(&s, "then, at %s: %s\n", clock(w.now), w.hook)
	if r, there := w.load(); there {
		s.WriteString(describe(r, w.now))
	} else {
		s.WriteString("  no record\n")
	}
	return s.String()
}

func (h hook) String() string {
	s := "active"
	if !h.active {
		s = "inactive since " + clock(h.deactivated) + " (" + h.reason + ")"
	}
	for _, r := range h.ranges {
		s += fmt.Sprintf(", range %s %d to %s", r.id, r.from, end(r.to))
	}
	return s
}

// describe tells a record in a few lines: each field that is not zero, and what is next.
func describe(r Record, now time.Time) string {
	var s strings.Builder
	tell := func(what, format string, args ...any) {
		fmt.Fprintf(&s, "  %-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	tell("state", "%s%s", r.State, map[bool]string{true: ", ordered"}[r.Ordered])
	describeEvents(r, tell)
	if h := r.Health; h != (Health{}) {
		tell("health", "%d failures since %s: %s", h.Attempts, clock(h.Since), h.Last)
		if h.Event.Seq != 0 || h.Events != 0 {
			tell("", "%d events, among them %d", h.Events, h.Event.Seq)
		}
		if h.Whole {
			tell("", "as a whole")
		}
	}
	if r.Judge != "" {
		tell("judge", "%s", r.Judge)
	}
	if r.Streak != 0 {
		tell("streak", "%d", r.Streak)
	}
	for _, t := range []struct {
		what string
		at   time.Time
	}{{"in peace", r.NotBefore}, {"took", r.Took}, {"follows", r.Follows}, {"told", r.Told}, {"alarm", r.Alarm}, {"quiet", r.Exhausted.Quiet}} {
		if !t.at.IsZero() {
			tell(t.what, "%s", clock(t.at))
		}
	}
	if !r.Replay.Open() {
		tell("replay", "before %s", end(r.Replay))
	}
	for _, n := range r.Outbox {
		tell("outbox", "%s", notice(n))
	}
	if g := r.Exhausted; len(g.Seqs) > 0 {
		tell("given up", "%s, the last after %d attempts: %s", sequences(g.Seqs), g.Attempts, g.Reason)
	}
	if r.Probe != (Probe{}) {
		tell("probe", "%d failed, next %s", r.Probe.Failed, clock(r.Probe.Next))
	}
	if r.Lease != (Lease{}) {
		tell("lease", "%s until %s", r.Lease.Owner, clock(r.Lease.Until))
	}
	step, at := r.Next(now)
	tell("next", "%s", []string{"wait", "tell", "open", "judge", "work", "try the host", "remove"}[step])
	if step == Wait && !at.IsZero() {
		tell("", "until %s", clock(at))
	}
	return s.String()
}

// describeEvents tells what is outstanding.
func describeEvents(r Record, tell func(what, format string, args ...any)) {
	mark := map[bool]string{true: ", as a replay"}
	for i := 0; i < len(r.Pending); {
		first, seqs := r.Pending[i], []uint64(nil)
		for ; i < len(r.Pending) && r.Pending[i].Attempts == first.Attempts && r.Pending[i].Replay == first.Replay; i++ {
			seqs = append(seqs, r.Pending[i].Seq)
		}
		tell("pending", "%s, attempts %d%s", sequences(seqs), first.Attempts, mark[first.Replay])
	}
	for i := 0; i < len(r.Retries); {
		first, seqs := r.Retries[i], []uint64(nil)
		for ; i < len(r.Retries); i++ {
			x := r.Retries[i]
			if x.Position = first.Position; x != first {
				break
			}
			seqs = append(seqs, r.Retries[i].Seq)
		}
		tell("retry", "%s, attempts %d since %s, next %s: %s%s%s", sequences(seqs), first.Attempts, clock(first.Since), clock(first.Next),
			first.Error, mark[first.Replay], map[bool]string{true: ", by itself"}[first.Cleared])
	}
	for _, d := range r.Done {
		tell("done", "%d of %s", d.Seq, clock(d.Time))
	}
	for _, x := range r.Spans {
		text := fmt.Sprintf("%d to %s", x.From, end(x.To))
		if x.ID != "" {
			text = x.ID + ", " + text
		}
		if x.Replay != 0 {
			text += ", replay on demand"
		}
		text += fmt.Sprintf(", cursor %d", x.Cursor)
		if x.Anchor != (event.Position{}) {
			text += fmt.Sprintf(" after %d of %s", x.Anchor.Seq, clock(x.Anchor.Time))
		}
		tell("span", "%s", text)
	}
}

func end(e event.End) string {
	switch {
	case e.Open():
		return "open"
	case e.AsOf.IsZero():
		return fmt.Sprint(e.Seq)
	default:
		return fmt.Sprintf("%d as of %s", e.Seq, clock(e.AsOf))
	}
}

// notice is what people are told.
func notice(n Notice) string {
	s := string(n.Kind)
	if !n.Since.IsZero() {
		s += " since " + clock(n.Since)
	}
	if n.Reason != "" {
		s += ": " + n.Reason
	}
	if !n.Deactivation.IsZero() {
		s += "; deactivation " + clock(n.Deactivation)
	}
	if len(n.Seqs) > 0 {
		s += fmt.Sprintf("; events %s, the last after %d attempts", sequences(n.Seqs), n.Attempts)
	}
	return s
}

// clock is a time to the second, with its day from the second one on.
func clock(at time.Time) string {
	day := int(at.Sub(noon.Truncate(24*time.Hour)) / (24 * time.Hour))
	text := at.UTC().Format("15:04:05")
	switch {
	case at.IsZero():
		return "at once"
	case day == 0:
		return text
	}
	return fmt.Sprintf("day %d %s", day+1, text)
}
