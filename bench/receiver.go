package bench

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The endpoints are told by their path: /fast/<number> is counted, the others are there to be in the way.
const (
	fast  = "fast"  // answers at once
	other = "other" // answers at once, and is not counted
	late  = "late"  // is counted, and answers after 100 ms
	slow  = "slow"  // answers after 2 s
	hang  = "hang"  // never answers
	// crowded is counted by itself, answers at once, and answers nothing while it is ill.
	crowded = "crowd"
)

const (
	lateBy = 100 * time.Millisecond
	slowBy = 2 * time.Second
)

// Receiver answers as many requests as it can, and counts. It knows just enough of HTTP for that: what a request
// costs is to be the sender's.
type Receiver struct {
	mu        sync.Mutex
	listeners []net.Listener
	seen      atomic.Pointer[seen]
	// crowd is what has come of the crowd; ill says whether that is.
	crowd atomic.Pointer[seen]
	ill   atomic.Bool
}

// seen is what has come since the last Expect.
type seen struct {
	events          int
	marks           []atomic.Uint64 // a bit for each event of each webhook
	expected        int64
	total, distinct atomic.Int64
	first, last     atomic.Int64 // in nanoseconds since 1970
	took            histogram
	done            chan struct{}
}

// Expected says what is to come: a number of events to each of a number of webhooks, both numbered from 0.
type Expected struct{ Webhooks, Events int }

// Received is what has come.
type Received struct {
	// Distinct counts what was expected, Total all that came.
	Distinct, Total int
	// Took is the time from the first to the last of what was expected.
	Took time.Duration
	// P50 and P99 are quantiles of the time from publishing to receiving.
	P50, P99 time.Duration
	// All says whether all that was expected has come.
	All bool
}

// rate is how many came in a second.
func (r Received) rate() float64 { return float64(r.Distinct) / r.Took.Seconds() }

// and is what came in two stretches together; of its quantiles nothing is known.
func (r Received) and(other Received) Received {
	return Received{Distinct: r.Distinct + other.Distinct, Total: r.Total + other.Total, Took: r.Took + other.Took}
}

// Listen makes it listen at an address, port 0 for any, and answers with the address.
func (r *Receiver) Listen(address string, at *string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	r.keep(l)
	*at = l.Addr().String()
	go r.accept(l)
	return nil
}

// keep has a listener end with the receiver.
func (r *Receiver) keep(l net.Listener) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listeners = append(r.listeners, l)
}

// accept serves the connections of a listener until that ends.
func (r *Receiver) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go r.serve(c)
	}
}

// Expect forgets what has come so far.
func (r *Receiver) Expect(e Expected, _ *None) error {
	r.seen.Store(expect(e))
	return nil
}

// ExpectCrowd is Expect for the crowd.
func (r *Receiver) ExpectCrowd(e Expected, _ *None) error {
	r.crowd.Store(expect(e))
	return nil
}

func expect(e Expected) *seen {
	return &seen{
		events: e.Events, expected: int64(e.Webhooks * e.Events), done: make(chan struct{}),
		marks: make([]atomic.Uint64, e.Webhooks*e.Events/64+1),
	}
}

// Ail makes the crowd ill, or well.
func (r *Receiver) Ail(ill bool, _ *None) error {
	r.ill.Store(ill)
	return nil
}

// Wait waits until all that is expected has come, or for so long.
func (r *Receiver) Wait(limit time.Duration, got *Received) error {
	*got = r.seen.Load().wait(limit)
	return nil
}

// WaitCrowd is Wait for the crowd.
func (r *Receiver) WaitCrowd(limit time.Duration, got *Received) error {
	*got = r.crowd.Load().wait(limit)
	return nil
}

func (s *seen) wait(limit time.Duration) Received {
	select {
	case <-s.done:
	case <-time.After(limit):
	}
	return Received{
		Distinct: int(s.distinct.Load()), Total: int(s.total.Load()), Took: time.Duration(s.last.Load() - s.first.Load()),
		P50: s.took.quantile(0.5), P99: s.took.quantile(0.99), All: s.distinct.Load() == s.expected,
	}
}

// Usage says what the receiver has used.
func (r *Receiver) Usage(_ None, u *Usage) (err error) {
	*u, err = usage()
	return err
}

func (r *Receiver) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, l := range r.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

var answered = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

// serve answers the requests of a connection, one after the other.
func (r *Receiver) serve(c net.Conn) {
	defer func() { _ = c.Close() }() // whatever it says, nothing follows
	buffer := make([]byte, 8<<10)
	have := 0
	for {
		kind, webhook, data, size := parse(buffer[:have])
		for size == 0 {
			if have == len(buffer) {
				buffer = append(buffer, make([]byte, len(buffer))...)
			}
			n, err := c.Read(buffer[have:])
			if err != nil {
				return
			}
			have += n
			kind, webhook, data, size = parse(buffer[:have])
		}
		switch kind {
		case fast:
			r.seen.Load().note(webhook, data)
		case late:
			r.seen.Load().note(webhook, data)
			time.Sleep(lateBy)
		case crowded:
			if r.ill.Load() {
				_, _ = c.Read(make([]byte, 1)) // until the sender has enough
				return
			}
			r.crowd.Load().note(webhook, data)
		case slow:
			time.Sleep(slowBy)
		case hang:
			_, _ = c.Read(make([]byte, 1)) // until the sender has enough
			return
		}
		if _, err := c.Write(answered); err != nil {
			return
		}
		have = copy(buffer, buffer[size:have])
	}
}

// parse takes the first request apart; its size is 0 as long as it is not all there.
func parse(b []byte) (kind string, webhook int, data []byte, size int) {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return "", 0, nil, 0
	}
	length := 0
	if i := bytes.Index(b[:head], []byte("\r\nContent-Length: ")); i >= 0 {
		for _, c := range b[i+18 : head] {
			if c < '0' || c > '9' {
				break
			}
			length = 10*length + int(c-'0')
		}
	}
	size = head + 4 + length
	if len(b) < size {
		return "", 0, nil, 0
	}
	if path := bytes.SplitN(b[:head], []byte(" "), 3); len(path) == 3 {
		if parts := bytes.SplitN(path[1], []byte("/"), 3); len(parts) == 3 {
			webhook, _ = strconv.Atoi(string(parts[2])) // 0 for whatever is none
			kind = string(parts[1])
		}
	}
	return kind, webhook, b[head+4 : size], size
}

// note counts an event.
func (s *seen) note(webhook int, data []byte) {
	if s == nil {
		return
	}
	s.total.Add(1)
	number, at, ok := read(data)
	i := webhook*s.events + number
	if !ok || number >= s.events || i/64 >= len(s.marks) {
		return
	}
	bit := uint64(1) << (i % 64)
	if s.marks[i/64].Or(bit)&bit != 0 {
		return
	}
	now := time.Now().UnixNano()
	s.took.add(time.Duration(now - at))
	n := s.distinct.Add(1)
	if n == 1 {
		s.first.Store(now)
	}
	s.last.Store(now)
	if n == s.expected {
		close(s.done)
	}
}
