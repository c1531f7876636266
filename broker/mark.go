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
	// Made is when the consumer that handed the event out was made, by NATS' clock: a consumer that was made again is another.
	Made time.Time `json:"made"`
}

// markForm is the form of a mark that this version writes.
const markForm = 1

// later is the mark of the newer event of two.
func (m mark) later(other mark) mark {
	if other.Time.After(m.Time) {
		return other
	}
	return m
}

// merged is what is written down where other was: the newer event, and the higher floor if both are of one consumer.
func (m mark) merged(other mark) mark {
	n := m.later(other)
	if m.Made.Equal(other.Made) {
		n.Floor = max(m.Floor, other.Floor)
	}
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
	// resume is where a consumer that was reset goes on, 0 if it was not: its next event is far older than the mark.
	resume uint64
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
	switch {
	case !s.exists && s.mark.IsZero():
		return verdict{true, 1, "there is none"}
	case !s.exists && s.lost():
		return verdict{true, s.after, "it is gone, and the stream went back"}
	case !s.exists:
		return verdict{true, min(s.mark.Floor+1, s.after), "it is gone"}
	case s.delivered > s.last && s.mark.IsZero():
		return verdict{true, 1, "it is ahead of the stream, and nothing tells what it has handed out"}
	case s.delivered > s.last:
		return verdict{true, s.after, "it is ahead of the stream, which went back"}
	case s.lost() && s.made.Equal(s.mark.Made) && s.delivered >= s.after:
		return verdict{true, s.after, "the stream went back, and the consumer did not"}
	case s.lost():
		return verdict{}
	case s.resume != 0:
		return verdict{true, min(s.resume, s.mark.Floor+1), "it was reset to what was acknowledged long ago"}
	}
	return verdict{}
}
