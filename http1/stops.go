package http1

import (
	"context"
	"sync"
)

// stops end what is read and written on connections when the contexts of their requests end, and all that comes after.
// It is safe for concurrent use.
//
// Requests share their contexts, which are those of the process' parts. So all requests of a context under way share
// one [context.AfterFunc]: one for each would cost as much as a system call.
type stops struct {
	mu sync.Mutex
	of map[<-chan struct{}]*stop // by what the context's Done returns
}

// stop is what the end of one context ends.
type stop struct {
	conns  map[*conn]struct{}
	disarm func() bool
}

func newStops() *stops { return &stops{of: map[<-chan struct{}]*stop{}} }

// begin has a connection end with a context.
func (s *stops) begin(ctx context.Context, c *conn) {
	done := ctx.Done()
	if done == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of[done]
	if of == nil {
		of = &stop{conns: map[*conn]struct{}{}}
		of.disarm = context.AfterFunc(ctx, func() { s.cut(done, of) })
		s.of[done] = of
	}
	of.conns[c] = struct{}{}
}

// cut ends what is under way.
func (s *stops) cut(done <-chan struct{}, of *stop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[done] == of {
		delete(s.of, done)
	}
	for c := range of.conns {
		_ = c.SetDeadline(past) // it fails only for what is closed
	}
}

// end stops watching over a connection. It says whether the connection was untouched until now.
func (s *stops) end(ctx context.Context, c *conn) bool {
	done := ctx.Done()
	if done == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of[done]
	if of == nil {
		return false
	}
	if _, left := of.conns[c]; !left {
		return false
	}
	delete(of.conns, c)
	if len(of.conns) == 0 {
		of.disarm()
		delete(s.of, done)
	}
	return true
}
