package broker

import (
	"time"

	"github.com/saumer/saumer/event"
)

// mark is how far the consumer dispatch was: what a stream or a consumer that went back is told by.
type mark struct {
	Form int `json:"v"`
	// Position is that of the newest event that was handed out; zero if none was.
	event.Position
	// Floor is the sequence up to which everything was acknowledged.
	Floor uint64 `json:"floor"`
	// First is the sequence of the oldest event that the stream then held, 0 if that is not known.
	First uint64 `json:"first,omitempty"`
	// Made is when the consumer that handed the event out was made, by NATS' clock: a consumer that was made again is another.
	Made time.Time `json:"made"`
	// Noted is when Streams was asked for, by NATS' clock: how far our streams reached. Trail is how far the live path was
	// before. Form 1 has neither.
	Noted   time.Time         `json:"noted,omitzero"`
	Streams map[string]extent `json:"streams,omitempty"`
	Trail   trail             `json:"trail,omitempty"`
	// Setback is the last loss of what NATS had stored.
	Setback Setback `json:"setback,omitzero"`
}

// markForm is the form of a mark that this version writes.
const markForm = 2

// merged is the mark of what two tell: the newer event, the higher floor if both are of one consumer, and how far the streams
// reached as the later one has it, with its trail. One from before a loss that the other knows of tells nothing.
func (m mark) merged(other mark) mark {
	switch {
	case m.Setback.Number > other.Setback.Number:
		return m
	case m.Setback.Number < other.Setback.Number:
		return other
	}
	n := m
	if other.Time.After(m.Time) {
		n.Position, n.Floor, n.Made = other.Position, other.Floor, other.Made
	}
	if m.Made.Equal(other.Made) {
		n.Floor = max(m.Floor, other.Floor)
	}
	if other.Noted.After(m.Noted) {
		n.Noted, n.Streams, n.Trail = other.Noted, other.Streams, other.Trail
	}
	n.Setback = m.Setback.later(other.Setback)
	return n
}

// stand is what NATS has of the stream EVENTS and the consumer dispatch, as far as it tells whether the consumer is where it
// should be.
type stand struct {
	mark mark
	// held is true if the stream holds the marked event.
	held bool
	// last is the sequence of the newest event, and after that of the first one later than the mark: last+1 if there is none.
	last, after uint64
	// exists is true if there is a consumer. Made, delivered and floor are when it was made, the highest sequence that it has
	// handed out, and the one up to which everything is acknowledged.
	exists           bool
	made             time.Time
	delivered, floor uint64
	// starved is true if the consumer hands out nothing though the stream has more.
	starved bool
	// resume is where a consumer that was reset goes on, 0 if it was not: its next event is far older than the mark.
	resume uint64
	// streams is how far our streams reach. Back is the first event that the live path has to hand out again since NATS lost
	// what it had stored, 0 if it did not; cause says how that is known.
	streams map[string]extent
	back    uint64
	cause   string
	// anew is true if the bucket of the backlogs was made anew.
	anew bool
}

// verdict is what is to be done with the consumer dispatch: nothing, or make it (again) from a sequence on.
type verdict struct {
	make bool
	from uint64
	why  string
}

// lost says whether the stream went back to before the mark. An event that was removed, or that the retention dropped,
// proves nothing: what is later than it has a higher sequence then.
func (s stand) lost() bool { return !s.mark.IsZero() && !s.held && s.after <= s.mark.Seq }

// decide says what is to be done before the next event is handed out, rather twice than not at all.
//
// A stream that went back is noticed by whoever handed out what it lost. The first who looks makes the consumer again; a
// mark of the consumer before then says nothing of the new one. nats-server sets a consumer back with its stream at its
// start from 2.14 on, so that the consumer may be right already.
func decide(s stand) verdict {
	v := decideConsumer(s)
	switch {
	case s.back == 0:
	case v.make:
		v.from, v.why = min(v.from, s.back), v.why+", and "+s.cause
	case s.delivered >= s.back:
		// What it acknowledged may be in no backlog any more.
		v = verdict{true, min(s.back, s.unacked()), s.cause}
	}
	return v
}

// unacked is the first event that nobody may have acknowledged. Who holds it may crash, so that a consumer in the place of the one
// that handed it out has to hand it out again.
func (s stand) unacked() uint64 {
	switch {
	case !s.exists:
		return s.mark.Floor + 1
	case s.resume != 0: // of one that was reset the floor tells nothing
		return min(s.resume, s.mark.Floor+1)
	}
	return s.floor + 1
}

// decideConsumer is decide by what the stream EVENTS and the consumer tell.
func decideConsumer(s stand) verdict {
	switch {
	case !s.exists && s.mark.IsZero():
		return verdict{true, 1, "there is none"}
	case !s.exists && s.lost():
		return verdict{true, min(s.unacked(), s.after), "it is gone, and the stream went back"}
	case !s.exists:
		return verdict{true, min(s.unacked(), s.after), "it is gone"}
	case s.delivered > s.last && s.mark.IsZero():
		return verdict{true, 1, "it is ahead of the stream, and nothing tells what it has handed out"}
	case s.delivered > s.last:
		return verdict{true, min(s.unacked(), s.after), "it is ahead of the stream, which went back"}
	case s.lost() && s.made.Equal(s.mark.Made) && s.delivered >= s.after:
		return verdict{true, min(s.unacked(), s.after), "the stream went back, and the consumer did not"}
	case s.lost():
		return verdict{}
	case s.starved:
		return verdict{true, s.unacked(), "it handed out nothing though the stream has more"}
	case s.resume != 0:
		return verdict{true, s.unacked(), "it was reset to what was acknowledged long ago"}
	}
	return verdict{}
}
