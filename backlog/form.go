package backlog

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/saumer/saumer/event"
)

// Encode is the record as the bucket keeps it. Its error is that of Check: an illegal record is not written down.
func (r *Record) Encode() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	r.Form = Form
	return json.Marshal(r)
}

// Decode reads a record of a form that is known. Written is when it was written.
func Decode(data []byte, form int, written time.Time) (Record, error) {
	if form == 1 {
		return decode1(data, written)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, err
	}
	return r, r.Check()
}

// A pending event's number has these bits below its attempts.
const (
	bitReplay = 1 << iota // it is sent as a replay
	bitTime               // its time is known, and follows
	bits      = iota
)

// MarshalJSON writes pending events as a string, since a busy webhook may leave thousands when it fails: base64 of varints,
// for each event the distance to the sequence before, attempts and bits, and, if known, the distance to the time before.
func (p Pending) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, 10*len(p))
	seq, nanos := uint64(0), int64(0)
	for _, w := range p {
		number := uint64(max(w.Attempts, 0)) << bits
		if w.Replay {
			number |= bitReplay
		}
		if !w.Time.IsZero() {
			number |= bitTime
		}
		raw = binary.AppendUvarint(raw, w.Seq-seq)
		raw = binary.AppendUvarint(raw, number)
		if seq = w.Seq; !w.Time.IsZero() {
			raw = binary.AppendVarint(raw, w.Time.UnixNano()-nanos)
			nanos = w.Time.UnixNano()
		}
	}
	return json.Marshal(base64.RawStdEncoding.EncodeToString(raw))
}

// errPending is what is wrong with a string that holds no pending events.
var errPending = errors.New("read pending events: not varints, or not ascending")

// UnmarshalJSON reads the string form. It refuses what is not ascending.
func (p *Pending) UnmarshalJSON(data []byte) error {
	raw, err := pendingBytes(data)
	if err != nil {
		return err
	}
	*p = nil
	w, nanos := Waiting{}, int64(0)
	for len(raw) > 0 {
		distance, n := binary.Uvarint(raw)
		if n <= 0 || distance == 0 || w.Seq+distance < w.Seq {
			return errPending
		}
		number, m := binary.Uvarint(raw[n:])
		if m <= 0 || number>>bits > 1<<31 {
			return errPending
		}
		raw = raw[n+m:]
		w.Seq += distance
		w.Attempts, w.Replay, w.Time = int(number>>bits), number&bitReplay != 0, time.Time{}
		if number&bitTime != 0 {
			later, n := binary.Varint(raw)
			if n <= 0 {
				return errPending
			}
			raw, nanos = raw[n:], nanos+later
			w.Time = time.Unix(0, nanos).UTC()
		}
		*p = append(*p, w)
	}
	return nil
}

func pendingBytes(data []byte) ([]byte, error) {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, fmt.Errorf("read pending events: %w", err)
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read pending events: %w", err)
	}
	return raw, nil
}

// record1 is form 1: positions are sequences, and the state is what five fields say together.
type record1 struct {
	Pending pending1 `json:"pending"`
	Retries []struct {
		Seq      uint64    `json:"seq"`
		Attempts int       `json:"attempts"`
		Since    time.Time `json:"since"`
		Next     time.Time `json:"next"`
		Error    string    `json:"error"`
	} `json:"retries"`
	Again pending1 `json:"again"`
	Spans []struct {
		From   uint64 `json:"from"`
		Next   uint64 `json:"next"`
		To     uint64 `json:"to"`
		Replay int64  `json:"replay"`
	} `json:"spans"`
	Ordered   bool            `json:"ordered"`
	Want      bool            `json:"want"`
	Gone      bool            `json:"gone"`
	Streak    int             `json:"streak"`
	Health    Health          `json:"health"`
	Next      time.Time       `json:"next"`
	Activated time.Time       `json:"activated"`
	Replay    uint64          `json:"replay"`
	Parked    bool            `json:"parked"`
	Noticed   time.Time       `json:"noticed"`
	News      []Notice        `json:"news"`
	Failing   time.Time       `json:"failing"`
	Alarm     time.Time       `json:"alarm"`
	GivenUp   ExhaustedEvents `json:"given_up"`
	Probe     Probe           `json:"probe"`
	Lease     Lease           `json:"lease"`
}

// pending1 are sequences with attempts, in form 1: base64 of pairs of varints.
type pending1 []Waiting

// UnmarshalJSON reads the string form. It refuses what is not ascending.
func (p *pending1) UnmarshalJSON(data []byte) error {
	raw, err := pendingBytes(data)
	if err != nil {
		return err
	}
	*p = nil
	for seq := uint64(0); len(raw) > 0; {
		distance, n := binary.Uvarint(raw)
		if n <= 0 || distance == 0 || seq+distance < seq {
			return errPending
		}
		attempts, m := binary.Uvarint(raw[n:])
		if m <= 0 || attempts > 1<<31 {
			return errPending
		}
		raw, seq = raw[n+m:], seq+distance
		*p = append(*p, Waiting{Position: event.Position{Seq: seq}, Attempts: int(attempts)})
	}
	return nil
}

// decode1 makes a record of form 1. It knows no times: those of what waits stay unknown, and an end is as of when the record
// was written, which no event before it is later than.
func decode1(data []byte, written time.Time) (Record, error) {
	var old record1
	if err := json.Unmarshal(data, &old); err != nil {
		return Record{}, err
	}
	r := Record{
		Form: Form, Ordered: old.Ordered, Streak: old.Streak, Health: old.Health, NotBefore: old.Next, Pending: Pending(old.Pending),
		Follows: old.Activated, Outbox: old.News, Told: old.Failing, Exhausted: old.GivenUp, Lease: old.Lease,
	}
	if old.Noticed.After(old.Activated) {
		r.Follows = old.Noticed
	}
	if old.Replay != 0 {
		r.Replay = event.End{Seq: old.Replay, AsOf: old.Activated}
	}
	again := func(seq uint64) bool {
		return slices.ContainsFunc(old.Again, func(w Waiting) bool { return w.Seq == seq })
	}
	for i := range r.Pending {
		r.Pending[i].Replay = again(r.Pending[i].Seq)
	}
	for _, x := range old.Retries {
		r.Retries = append(r.Retries, Retry{
			Position: event.Position{Seq: x.Seq}, Attempts: x.Attempts, Since: x.Since, Next: x.Next, Error: x.Error, Replay: again(x.Seq),
		})
	}
	for _, s := range old.Spans {
		span := Span{From: cmp.Or(s.From, s.Next), Cursor: s.Next, Replay: s.Replay}
		if s.To == 0 {
			span.ID = RangeID1(s.From)
		} else {
			span.To = event.End{Seq: s.To, AsOf: written}
		}
		r.Spans = append(r.Spans, span)
	}
	r.settle1(old)
	return r, r.Check()
}

// settle1 sets what form 1 said with several fields: the state, and what counts in it.
func (r *Record) settle1(old record1) {
	_, open := r.open()
	switch {
	case open && old.Parked:
		r.State, r.Probe, r.Streak, r.NotBefore = Parked, old.Probe, 0, time.Time{}
		return
	case open:
		r.State = CatchingUp
	case old.Want, old.Parked, old.Gone:
		r.State = Leaving
	default:
		r.State = Retrying
	}
	if r.Alarm = old.Alarm; old.Gone {
		r.Judge = Gone
	}
}

// RangeID1 is the name that a range of form 1 gets, of which only the sequence where it begins is known.
func RangeID1(from uint64) string { return "from-" + strconv.FormatUint(from, 10) }
