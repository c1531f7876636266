package broker

import (
	"context"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go"
)

// Stored is a record in a stream.
type Stored struct {
	Seq    uint64
	Record []byte
}

// readAtOnce is how many records are read with one request, and how many sequences the first look back spans.
const readAtOnce = 256

// newest are the records of a stream under a subject and below a sequence, 0 for all, newest first. An error ends them. It reads
// directly, from any replica, so that the newest may be missing for a moment.
func (b *Broker) newest(ctx context.Context, stream, subject string, before uint64) iter.Seq2[Stored, error] {
	return backwards(ctx, b, stream, subject, before, func(m *nats.Msg, seq uint64) (Stored, error) { return Stored{Seq: seq, Record: m.Data}, nil })
}

// backwards is newest with what a function makes of each message.
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
		// A stream is only read forwards: look back over ever more of it.
		for span := uint64(readAtOnce); end > first; span *= 4 {
			from := first
			if end > first+span {
				from = end - span
			}
			found, err := storedIn(ctx, b, stream, subject, from, end, of)
			if err != nil {
				yield(none, err)
				return
			}
			for i := len(found) - 1; i >= 0; i-- {
				if !yield(found[i], nil) {
					return
				}
			}
			end = from
		}
	}
}

// storedIn is what a function makes of the messages under a subject in [from, to), oldest first.
func storedIn[T any](ctx context.Context, b *Broker, stream, subject string, from, to uint64, of func(m *nats.Msg, seq uint64) (T, error)) ([]T, error) {
	var found []T
	for from < to {
		messages, err := b.direct(ctx, stream, get{Seq: from, Next: subject, Batch: readAtOnce, Bytes: 4 << 20})
		if err != nil {
			return nil, fmt.Errorf("read %s from %d: %w", subject, from, err)
		}
		if len(messages) == 0 {
			return found, nil
		}
		for _, m := range messages {
			seq, err := sequence(m)
			if err != nil {
				return nil, fmt.Errorf("read %s from %d: a sequence: %w", subject, from, err)
			}
			if from = seq + 1; seq >= to {
				return found, nil
			}
			made, err := of(m, seq)
			if err != nil {
				return nil, fmt.Errorf("read %s at %d: %w", subject, seq, err)
			}
			found = append(found, made)
		}
	}
	return found, nil
}
