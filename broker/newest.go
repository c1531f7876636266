package broker

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/nats-io/nats.go"
)

// Stored is a record in a stream.
type Stored struct {
	Seq    uint64
	Record []byte
}

const (
	// readAtOnce is how many records are read with one request, and how many sequences the first look back spans.
	readAtOnce = 256
	// heldAtMost bounds what one look back holds, in bytes; heldEach is what a record counts for besides its body.
	heldAtMost = 8 << 20
	heldEach   = 1 << 10
)

// newest are the records of a stream under a subject and below a sequence, 0 for all, newest first. An error ends them. It reads
// directly, from any replica, so that the newest may be missing for a moment.
func (b *Broker) newest(ctx context.Context, stream, subject string, before uint64) iter.Seq2[Stored, error] {
	return backwards(ctx, b, stream, subject, before, func(m *nats.Msg, seq uint64) (Stored, error) { return Stored{Seq: seq, Record: m.Data}, nil })
}

// backwards is newest with what a function makes of each message. The function takes away the message's Data if what it makes
// does not hold it.
func backwards[T any](ctx context.Context, b *Broker, stream, subject string, before uint64, of func(m *nats.Msg, seq uint64) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		s, err := b.JetStream.Stream(ctx, stream)
		if err != nil {
			yield(none, fmt.Errorf("ask the stream %s for its bounds: %w", stream, err))
			return
		}
		state := s.CachedInfo().State
		first, end := max(state.FirstSeq, 1), state.LastSeq+1
		if before != 0 {
			end = min(end, before)
		}
		// A stream is only read forwards: look back over ever more of it, while it holds little.
		for span := uint64(readAtOnce); end > first; {
			from := first
			if end > first+span {
				from = end - span
			}
			found, err := storedIn(ctx, b, stream, subject, from, end, of)
			if err != nil {
				yield(none, err)
				return
			}
			for _, f := range slices.Backward(found.made) {
				if !yield(f.made, nil) {
					return
				}
			}
			switch {
			case found.from > from:
				span = end - found.from
			case found.held < heldAtMost/8:
				span *= 4
			}
			end = found.from
		}
	}
}

// part is what was made of the messages of a part of a stream, oldest first.
type part[T any] struct {
	made []made[T]
	// from is where it begins, and held what it holds, in bytes.
	from uint64
	held int
}

// made is what was made of the message at a sequence, and what it holds, in bytes.
type made[T any] struct {
	made T
	seq  uint64
	held int
}

// add adds what is newest, and drops the oldest beyond heldAtMost: the part then begins later.
func (p *part[T]) add(m made[T]) {
	p.made, p.held = append(p.made, m), p.held+m.held
	for p.held > heldAtMost && len(p.made) > 1 {
		p.held -= p.made[0].held
		p.made[0] = made[T]{} // the array outlives it
		p.made = p.made[1:]
		p.from = p.made[0].seq
	}
}

// storedIn is what a function makes of the messages under a subject in [from, to): of the newest of them, as many as may be held.
func storedIn[T any](ctx context.Context, b *Broker, stream, subject string, from, to uint64, of func(m *nats.Msg, seq uint64) (T, error)) (part[T], error) {
	found := part[T]{from: from}
	for from < to {
		messages, err := b.direct(ctx, stream, get{Seq: from, Next: subject, Batch: readAtOnce, Bytes: 4 << 20})
		if err != nil {
			return found, fmt.Errorf("read %s from %d: %w", subject, from, err)
		}
		if len(messages) == 0 {
			return found, nil
		}
		for _, m := range messages {
			seq, err := sequence(m)
			if err != nil {
				return found, fmt.Errorf("read %s from %d: a sequence: %w", subject, from, err)
			}
			if from = seq + 1; seq >= to {
				return found, nil
			}
			it, err := of(m, seq)
			if err != nil {
				return found, fmt.Errorf("read %s at %d: %w", subject, seq, err)
			}
			found.add(made[T]{it, seq, heldEach + len(m.Data)})
		}
	}
	return found, nil
}
