package registry

import (
	"net"
	"sync"
	"time"
)

// backed is an in-memory connection whose Write does not wait for the other side: a Redis answers the first command of
// a pipeline before it has read the last, and both sides would wait for each other to read.
type backed struct {
	net.Conn

	mu      sync.Mutex
	more    *sync.Cond
	waiting []byte
	err     error // why nothing can be written any more
}

func newBacked(c net.Conn) *backed {
	b := &backed{Conn: c}
	b.more = sync.NewCond(&b.mu)
	go b.run()
	return b
}

// Write keeps what is written for the other side to read; an error is that of an earlier Write, or of Close.
func (b *backed) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.waiting = append(b.waiting, data...)
	b.more.Signal()
	return len(data), nil
}

func (b *backed) run() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for len(b.waiting) == 0 && b.err == nil {
			b.more.Wait()
		}
		if b.err != nil {
			return
		}
		out := b.waiting
		b.waiting = nil
		b.mu.Unlock()
		_, err := b.Conn.Write(out)
		b.mu.Lock()
		if err != nil && b.err == nil {
			b.err = err
		}
	}
}

// Close drops what the other side has not read.
func (b *backed) Close() error {
	b.mu.Lock()
	b.err = net.ErrClosed
	b.more.Signal()
	b.mu.Unlock()
	return b.Conn.Close()
}

// SetDeadline bounds reading only, since Write does not wait.
func (b *backed) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (b *backed) SetWriteDeadline(time.Time) error { return nil }
