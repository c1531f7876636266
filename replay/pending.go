package replay

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Waiting is a pending event: its sequence and how many attempts were made.
type Waiting struct {
	Seq      uint64
	Attempts int
}

// Pending are events by sequence, ascending. Its JSON form is a string: base64 of pairs of varints, the distance to
// the sequence before and the attempts, since a busy webhook may leave thousands when it fails.
type Pending []Waiting

func (p Pending) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(p, seq, func(w Waiting, seq uint64) int { return cmp.Compare(w.Seq, seq) })
}

func (p *Pending) add(seq uint64, attempts int) {
	i, found := p.find(seq)
	if found {
		(*p)[i].Attempts = max((*p)[i].Attempts, attempts)
		return
	}
	*p = slices.Insert(*p, i, Waiting{seq, attempts})
}

func (p *Pending) remove(seq uint64) {
	if i, found := p.find(seq); found {
		*p = slices.Delete(*p, i, i+1)
	}
}

// MarshalJSON writes the string form.
func (p Pending) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, 3*len(p))
	last := uint64(0)
	for _, w := range p {
		raw = binary.AppendUvarint(raw, w.Seq-last)
		raw = binary.AppendUvarint(raw, uint64(max(w.Attempts, 0)))
		last = w.Seq
	}
	return json.Marshal(base64.RawStdEncoding.EncodeToString(raw))
}

// UnmarshalJSON reads the string form; it refuses what is not ascending.
func (p *Pending) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("read pending events: %w", err)
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("read pending events: %w", err)
	}
	*p = nil
	last := uint64(0)
	for len(raw) > 0 {
		distance, n := binary.Uvarint(raw)
		if n <= 0 || distance == 0 || last+distance < last {
			return errors.New("read pending events: a sequence is not a varint or not ascending")
		}
		attempts, m := binary.Uvarint(raw[n:])
		if m <= 0 || attempts > 1<<31 {
			return errors.New("read pending events: a number of attempts is not a varint or too large")
		}
		raw = raw[n+m:]
		last += distance
		*p = append(*p, Waiting{last, int(attempts)})
	}
	return nil
}
