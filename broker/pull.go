package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Pull is one request for events to the consumer dispatch, and what comes of it. It is for one goroutine.
//
// It is jetstream's Fetch without what that spends on each message: a goroutine and a channel to pass, a timer, and its
// reply subject taken apart twice.
type Pull struct {
	broker *Broker
	// doubts is the count of doubts that the request was made at.
	doubts uint64
	// setback is the number of the last loss of what NATS had stored, as the request was made.
	setback uint64
	// newest is the reply subject of the last event that was handed out for the first time.
	newest   string
	messages chan *nats.Msg
	sub      *nats.Subscription
	left     int
	// got is true once an event came.
	got bool
	// told is set once NATS has said that it hands out no more than what is left.
	told bool
	// late fires when it is time for an answer; heard is true if something came since that was set.
	late  *time.Timer
	heard bool
	over  bool
	err   error
}

const (
	// pullSubject is where the consumer dispatch is asked for events.
	pullSubject = "$JS.API.CONSUMER.MSG.NEXT." + streamEvents + "." + dispatchName
	// firstTime is in the reply subject of an event that was not handed out before.
	firstTime = "." + streamEvents + "." + dispatchName + ".1."
	// answerTime is how long after its end nothing may come of a request before it counts as forgotten.
	answerTime = 2 * time.Second
	// statuses is room for what NATS may say of a request besides its messages.
	statuses = 8
)

// errForgotten is the end of a request that NATS has forgotten, as after the loss of its leader.
var errForgotten = errors.New("NATS did not answer; it is asked again")

// errBroke is returned for a request that a connection broke under: on the next one, NATS may hand out what was not checked.
var errBroke = errors.New("the connection to NATS broke while events were asked for")

// outsize is what ends a request whose next event goes beyond its bytes, and completed what is said of one whose last event is
// handed out and that has bytes left (nats-server 2.15, consumer.go).
const outsize, completed = "Message Size Exceeds MaxBytes", "Batch Completed"

// Pull asks for at most a number of events of at most so many bytes, and waits for at most a time, at least a millisecond. An
// event that is larger by itself comes in a pull of its own. Close the pull after use.
//
// NATS keeps up to 64 MiB for a client that reads slowly, and then cuts its connection, so that a pull is to stay far below.
//
// After a start, a connection that broke or a pull that ended badly, it first makes sure that the consumer is where it
// should be, since the next event that is handed out would take the place of what could tell.
func (b *Broker) Pull(events, bytes int, wait time.Duration) (*Pull, error) {
	doubts, err := b.check()
	if err != nil {
		return nil, err
	}
	if b.outsize.Swap(false) {
		events, bytes = 1, 0
	}
	request, err := json.Marshal(struct {
		Batch   int           `json:"batch"`
		Bytes   int           `json:"max_bytes,omitempty"`
		Expires time.Duration `json:"expires"`
	}{events, bytes, wait})
	if err != nil {
		return nil, err
	}
	p := &Pull{
		broker: b, doubts: doubts, setback: b.watch.own().Setback.Number, messages: make(chan *nats.Msg, events+statuses), left: events, late: time.NewTimer(wait + answerTime),
	}
	inbox := b.pull.NewInbox()
	if p.sub, err = b.pull.ChanSubscribe(inbox, p.messages); err != nil {
		return nil, fmt.Errorf("ask for events: %w", err)
	}
	if err = b.pull.PublishRequest(pullSubject, inbox, request); err != nil {
		return nil, errors.Join(fmt.Errorf("ask for events: %w", err), p.Close())
	}
	if !b.pull.IsConnected() || b.doubts() != doubts {
		return nil, errors.Join(errBroke, p.Close())
	}
	return p, nil
}

// Next returns the next event. It returns nil once no more come, for the reason that Err tells, and when until is
// closed; what is there already is returned first.
func (p *Pull) Next(until <-chan struct{}) *nats.Msg {
	for !p.over {
		var m *nats.Msg
		select {
		case m = <-p.messages:
		default:
			select {
			case m = <-p.messages:
			case <-until:
				return nil
			case <-p.late.C:
				if p.told {
					p.end(nil) // what has not come by now comes again after the ack wait
					return nil
				}
				if !p.heard {
					p.end(errForgotten)
					return nil
				}
				p.heard = false
				p.late.Reset(answerTime)
				continue
			}
		}
		p.heard = true
		if m.Reply != "" {
			p.got = true
			if strings.Contains(m.Reply, firstTime) {
				p.newest = m.Reply
			}
			if p.left--; p.left == 0 {
				p.end(nil)
			}
			return m
		}
		p.status(m)
	}
	return nil
}

// status takes in what NATS says of the request (ADR-13, ADR-37): that is no event, since it is not to be acknowledged.
func (p *Pull) status(m *nats.Msg) {
	status, description := m.Header.Get("Status"), m.Header.Get("Description")
	switch {
	case status == "100": // a sign of life
	case status == "404", status == "408", status == "409" && description == completed: // there is no more at the moment
		p.tell(m)
	case status == "409" && description == outsize:
		if p.tell(m); p.over && !p.got {
			p.broker.outsize.Store(true)
		}
	case status == "503":
		p.end(nats.ErrNoResponders)
	default:
		p.end(fmt.Errorf("NATS answered %s %s", status, description))
	}
}

// tell takes in that NATS hands out no more of the request. From a consumer with replicas the events come later than that: each
// is sent once most of these know of it, and what NATS says of the request is sent at once (nats-server 2.15, consumer.go,
// addReplicatedQueuedMsg). How many it has not handed out is in what it says (ADR-13).
func (p *Pull) tell(m *nats.Msg) {
	pending, err := strconv.Atoi(m.Header.Get("Nats-Pending-Messages"))
	if err != nil || p.left <= pending {
		p.end(nil)
		return
	}
	p.left -= pending
	p.told = true
	p.late.Reset(answerTime)
}

// end ends the request. A bad end is a doubt.
func (p *Pull) end(err error) {
	p.over, p.err = true, err
	if err != nil && p.broker.doubts() == p.doubts {
		p.broker.doubt()
	}
}

// Setback is the number of the last loss of what NATS had stored, 0 if there was none. What was done before it may have to be
// done again: what comes from here on is no event whose acknowledgement was lost only.
func (p *Pull) Setback() uint64 { return p.setback }

// Left is how many events may still come.
func (p *Pull) Left() int {
	if p.over {
		return 0
	}
	return p.left
}

// Err says why no more events come: nil if the request was answered.
func (p *Pull) Err() error { return p.err }

// Close ends the request. Events that are on their way are handed out again after the ack wait.
func (p *Pull) Close() error {
	p.late.Stop()
	if p.newest != "" {
		p.broker.handed(p.newest)
		p.newest = ""
	}
	if err := p.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("end a request for events: %w", err)
	}
	return nil
}

// errPlace says that a message does not come from a consumer.
var errPlace = errors.New("the message's reply subject does not say where it is stored")

// Place is where an event that a pull brought is stored: its sequence in the stream, and its time stamp there. They are
// in its reply subject (ADR-15): $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<of the consumer>.<time>.<pending>,
// where domain and account may come before the stream, and then more may follow.
func Place(m *nats.Msg) (seq uint64, at time.Time, err error) {
	seq, at, _, err = place(m)
	return seq, at, err
}

// Pending is how many events the consumer had still to hand out when it handed this one out; 0 if the message does not say.
func Pending(m *nats.Msg) uint64 {
	_, _, rest, err := place(m)
	if err != nil {
		return 0
	}
	pending, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(pending, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// place takes the reply subject apart; rest is what follows the time.
func place(m *nats.Msg) (seq uint64, at time.Time, rest string, err error) {
	const short, long = 7, 9
	rest, ok := strings.CutPrefix(m.Reply, "$JS.ACK.")
	if !ok {
		return 0, time.Time{}, "", errPlace
	}
	parts := strings.Count(rest, ".") + 1
	skip := 3
	switch {
	case parts >= long:
		skip += 2
	case parts != short:
		return 0, time.Time{}, "", errPlace
	}
	for range skip {
		_, rest, _ = strings.Cut(rest, ".")
	}
	sequence, rest, _ := strings.Cut(rest, ".")
	_, rest, _ = strings.Cut(rest, ".")
	stamp, rest, _ := strings.Cut(rest, ".")
	if seq, err = strconv.ParseUint(sequence, 10, 64); err != nil {
		return 0, time.Time{}, "", errPlace
	}
	nanos, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return 0, time.Time{}, "", errPlace
	}
	return seq, time.Unix(0, nanos), rest, nil
}
