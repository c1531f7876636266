package http1

import (
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// The bounds of the pools of these tests.
const (
	idleConns = 500
	idleTime  = 90 * time.Second
)

// pipe makes an idle connection, with the endpoint's end of it.
func pipe(addr string) (*conn, net.Conn) {
	ours, theirs := net.Pipe()
	s := &socket{Conn: ours}
	return &conn{Conn: s, key: route{addr: addr}, socket: s}, theirs
}

// ended says whether the client has closed a connection.
func ended(theirs net.Conn) bool {
	_ = theirs.SetReadDeadline(past) // a pipe's fails when it is closed
	_, err := theirs.Read(make([]byte, 1))
	return !isTimeout(err)
}

func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	p := newPool(idleConns, idleTime, 0)
	defer p.close()
	var ends []net.Conn
	const before = 100
	for range before {
		c, theirs := pipe("one")
		p.put(c)
		ends = append(ends, theirs)
	}
	for i := range idleConns {
		c, theirs := pipe(fmt.Sprint(i))
		p.put(c)
		ends = append(ends, theirs)
	}
	closed := 0
	for _, e := range ends {
		if ended(e) {
			closed++
		}
	}
	if p.size != idleConns || closed != before || !ended(ends[0]) || ended(ends[len(ends)-1]) {
		t.Errorf("%d are kept, %d were closed", p.size, closed)
	}
	if c := p.take(route{addr: "one"}); c != nil {
		t.Error("the oldest were not those that left")
	}
	p.close()
	if !ended(ends[len(ends)-1]) {
		t.Error("an idle connection outlives the pool")
	}
	late, theirs := pipe("late")
	if p.put(late); !ended(theirs) || p.take(late.key) != nil {
		t.Error("a closed pool keeps connections")
	}
}

func TestPoolGivesOutTheLastUsed(t *testing.T) {
	t.Parallel()
	p := newPool(idleConns, idleTime, 0)
	defer p.close()
	a, _ := pipe("one")
	b, _ := pipe("one")
	p.put(a)
	p.put(b)
	secure := route{"one", true}
	if p.take(secure) != nil || p.take(b.key) != b || p.take(b.key) != a || p.take(b.key) != nil {
		t.Error("the order of what is taken is wrong")
	}
}

func TestPoolSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(idleConns, idleTime, 0)
		kept, keptEnd := pipe("kept")
		left, leftEnd := pipe("left")
		p.put(kept)
		p.put(left)
		_ = leftEnd.Close() // a pipe's never fails
		time.Sleep(2 * p.every)
		if p.take(left.key) != nil || ended(keptEnd) {
			t.Error("the sweep did not close exactly what its endpoint had closed")
		}
		time.Sleep(idleTime)
		if p.take(kept.key) != nil || !ended(keptEnd) || p.sweeper != nil {
			t.Error("a connection is kept for longer than the idle time")
		}
	})
}
