package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/event"
)

// ErrNotFound is returned for an event that the stream does not hold (any more).
var ErrNotFound = errors.New("the stream does not hold this event")

// Progress is how far the live path is.
type Progress struct {
	// HandedOut is the highest sequence that the dispatch consumer has handed out.
	HandedOut uint64
	// AckFloor is the sequence up to which everything is acknowledged.
	AckFloor uint64
	// InFlight is how many events are handed out and not acknowledged.
	InFlight uint64
}

// Progress asks the dispatch consumer's leader.
func (b *Broker) Progress(ctx context.Context) (Progress, error) {
	if err := b.reachable(); err != nil {
		return Progress{}, err
	}
	return b.progress.ask(ctx, b.askProgress)
}

func (b *Broker) askProgress(ctx context.Context) (Progress, error) {
	asked := time.Now()
	info, err := b.dispatch.Info(ctx)
	if err != nil {
		return Progress{}, fmt.Errorf("ask the consumer dispatch how far it is: %w", err)
	}
	b.clock.set(asked, info.TimeStamp)
	return Progress{HandedOut: info.Delivered.Stream, AckFloor: info.AckFloor.Stream, InFlight: uint64(max(info.NumAckPending, 0))}, nil
}

// Bounds are the ends of the stream of events.
type Bounds struct {
	// First is the sequence of the oldest event; one more than the last in a stream that holds none.
	First uint64
	// Last is the position of the newest event that was stored, whether the stream still holds it or not; its sequence is 0
	// if there was none. Where the stream does not know its time any more, the time is that of the answer: whatever comes
	// later is later than that.
	Last event.Position
}

// Next is the sequence that the next event gets.
func (b Bounds) Next() uint64 { return b.Last.Seq + 1 }

// Bounds asks the stream's leader.
func (b *Broker) Bounds(ctx context.Context) (Bounds, error) {
	if err := b.reachable(); err != nil {
		return Bounds{}, err
	}
	return b.bounds.ask(ctx, b.askBounds)
}

func (b *Broker) askBounds(ctx context.Context) (Bounds, error) {
	asked := time.Now()
	info, err := b.events.Info(ctx)
	if err != nil {
		return Bounds{}, fmt.Errorf("ask the stream %s for its bounds: %w", streamEvents, err)
	}
	b.clock.set(asked, info.TimeStamp)
	b.first.Store(info.State.FirstSeq)
	bounds := Bounds{First: info.State.FirstSeq, Last: event.Position{Seq: info.State.LastSeq, Time: info.State.LastTime.UTC()}}
	if info.State.LastTime.IsZero() {
		bounds.Last.Time = info.TimeStamp.UTC()
	}
	return bounds, nil
}

// get is a direct get request (ADR-31).
type get struct {
	Seq   uint64     `json:"seq,omitempty"`
	Next  string     `json:"next_by_subj,omitempty"`
	Last  string     `json:"last_by_subj,omitempty"`
	Batch int        `json:"batch,omitempty"`
	Bytes int        `json:"max_bytes,omitempty"`
	Start *time.Time `json:"start_time,omitempty"`
	// MultiLast asks for the last message of each subject that one of these matches.
	MultiLast []string `json:"multi_last,omitempty"`
}

// Read returns the next events of a subject from a sequence on, at most limit of them and about 4 MiB. No events
// means that there are none at the moment, by the word of the stream's leader: the batch itself may come from a
// replica that is behind. A message on whose subject no event can be has its position here, and nothing more.
func (b *Broker) Read(ctx context.Context, subject string, from uint64, limit int) ([]event.Event, error) {
	from = max(from, 1)
	messages, err := b.direct(ctx, streamEvents, get{Seq: from, Next: subject, Batch: limit, Bytes: 4 << 20})
	if err != nil {
		return nil, fmt.Errorf("read %s from %d: %w", subject, from, err)
	}
	if len(messages) == 0 {
		message, err := b.Next(ctx, subject, from)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s from %d: %w", subject, from, err)
		}
		return []event.Event{message}, nil
	}
	events := make([]event.Event, 0, len(messages))
	for _, m := range messages {
		e, err := parse(m)
		if err != nil {
			return nil, fmt.Errorf("read %s from %d: %w", subject, from, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// Event returns one event by its sequence: ErrNotFound if the stream does not hold it. A message on whose subject no event can
// be is of no account and has no name: only its position.
func (b *Broker) Event(ctx context.Context, seq uint64) (event.Event, error) {
	if err := b.reachable(); err != nil {
		return event.Event{}, err
	}
	body, err := json.Marshal(get{Seq: seq})
	if err != nil {
		return event.Event{}, err
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// From any replica; one that is behind has no say in what is gone.
	m, err := b.nc.RequestWithContext(asking, directGet+streamEvents, body)
	if err != nil {
		return event.Event{}, fmt.Errorf("read event %d: %w", seq, err)
	}
	if added(m, "Nats-Stream") == "" {
		return b.leader(ctx, get{Seq: seq})
	}
	return parse(m)
}

// Count is the exact number of events of a subject in [from, to); to 0 means to the end.
func (b *Broker) Count(ctx context.Context, subject string, from, to uint64) (uint64, error) {
	if to != 0 && to <= from {
		return 0, nil
	}
	n, err := b.CountFrom(ctx, subject, from)
	if err != nil || to == 0 || n == 0 {
		return n, err
	}
	beyond, err := b.CountFrom(ctx, subject, to)
	return n - min(n, beyond), err
}

// CountFrom is the exact number of events of a subject from a sequence on.
func (b *Broker) CountFrom(ctx context.Context, subject string, from uint64) (uint64, error) {
	messages, err := b.direct(ctx, streamEvents, get{Seq: max(from, 1), Next: subject, Batch: 1})
	if err != nil {
		return 0, fmt.Errorf("count %s from %d: %w", subject, from, err)
	}
	if len(messages) == 0 {
		return 0, nil
	}
	after, err := strconv.ParseUint(added(messages[0], "Nats-Num-Pending"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("count %s from %d: read the number pending: %w", subject, from, err)
	}
	return after + 1, nil
}

// SequenceAt is the sequence of the first event whose time stamp is not before t; next, which is to be one past the last, if
// there is none.
func (b *Broker) SequenceAt(ctx context.Context, t time.Time, next uint64) (uint64, error) {
	messages, err := b.direct(ctx, streamEvents, get{Start: &t, Batch: 1})
	if err != nil {
		return 0, fmt.Errorf("find the first event since %s: %w", t.Format(time.RFC3339), err)
	}
	if len(messages) == 0 {
		return next, nil
	}
	return sequence(messages[0])
}

// directGet begins the subject of direct gets from a stream.
const directGet = "$JS.API.DIRECT.GET."

// added is a header that NATS added to a stored message. It comes after the publisher's own, which may have the same
// name. It is empty if this is no stored message, or one whose headers the client could not read.
func added(m *nats.Msg, name string) string {
	values := m.Header.Values(name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// direct runs a batched direct get and collects what comes. It ends early at a message whose headers cannot be read,
// which the stream's leader has to be asked for.
func (b *Broker) direct(ctx context.Context, stream string, request get) ([]*nats.Msg, error) {
	if err := b.reachable(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	inbox := b.read.NewInbox()
	// Room for the batch and for what ends it; a subscription of the client's own making has room for half a million.
	answers := make(chan *nats.Msg, request.Batch+2)
	sub, err := b.read.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, err
	}
	defer func() {
		// Only a closed connection makes this fail, and then the subscription is gone too.
		_ = sub.Unsubscribe()
	}()
	if err := b.read.PublishRequest(directGet+stream, inbox, body); err != nil {
		return nil, err
	}
	messages := make([]*nats.Msg, 0, min(request.Batch, 16))
	for {
		var m *nats.Msg
		select {
		case m = <-answers:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if added(m, "Nats-Stream") != "" {
			messages = append(messages, m)
			continue
		}
		switch status := m.Header.Get("Status"); status {
		case "", "204", "404":
			return messages, nil
		case "503":
			return nil, nats.ErrNoResponders
		default:
			return nil, fmt.Errorf("direct get answered %s %s", status, m.Header.Get("Description"))
		}
	}
}

// Next asks the stream's leader for the next event of a subject: ErrNotFound if there is none.
func (b *Broker) Next(ctx context.Context, subject string, from uint64) (event.Event, error) {
	return b.leader(ctx, get{Seq: from, Next: subject})
}

func (b *Broker) leader(ctx context.Context, request get) (event.Event, error) {
	m, err := b.ask(ctx, streamEvents, request)
	if err != nil {
		return event.Event{}, err
	}
	return eventOf(m.subject, m.header, m.data, m.seq, m.at), nil
}

// eventOf is the event of a stored message, or the position only of one on whose subject no event can be: such a message is in
// the stream until the live path comes to it and rejects it.
func eventOf(subject string, header nats.Header, data []byte, seq uint64, at time.Time) event.Event {
	e, err := event.New(subject, header, data, seq, at)
	if err != nil { // of the subject
		return event.Event{Seq: seq, Time: at}
	}
	return e
}

// sequence is that of a message that came by direct get.
func sequence(m *nats.Msg) (uint64, error) {
	seq, err := strconv.ParseUint(added(m, "Nats-Sequence"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read a stored event's sequence: %w", err)
	}
	return seq, nil
}

// parse is eventOf of a message that came by direct get.
func parse(m *nats.Msg) (event.Event, error) {
	seq, err := sequence(m)
	if err != nil {
		return event.Event{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, added(m, "Nats-Time-Stamp"))
	if err != nil {
		return event.Event{}, fmt.Errorf("read the time of event %d: %w", seq, err)
	}
	return eventOf(added(m, "Nats-Subject"), m.Header, m.Data, seq, at), nil
}
