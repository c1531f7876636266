package delivery

import (
	"errors"
	"net"
	"syscall"
)

// errLooking is the end of what would be written while a connection is looked at.
var errLooking = errors.New("nothing is written to an idle connection")

// socket is what lies below a connection. While it is looked at, it does not wait: a read ends with
// os.ErrDeadlineExceeded if nothing is there, and nothing can be written.
type socket struct {
	net.Conn
	looking bool
	raw     syscall.RawConn // nil if there is no socket, but a pipe
	// What a read without waiting reads into, and what came of it.
	into []byte
	n    int
	err  error
	read func(fd uintptr)
}

func newSocket(c net.Conn) (*socket, error) {
	s := &socket{Conn: c}
	below, ok := c.(syscall.Conn)
	if !ok {
		return s, nil
	}
	raw, err := below.SyscallConn()
	if err != nil {
		return nil, err
	}
	s.raw, s.read = raw, s.readNow
	return s, nil
}

func (s *socket) Read(p []byte) (int, error) {
	switch {
	case !s.looking:
		return s.Conn.Read(p)
	case s.raw == nil:
		// A pipe's end comes before its deadline.
		if err := s.SetReadDeadline(past); err != nil {
			return 0, err
		}
		return s.Conn.Read(p)
	}
	s.into = p
	err := s.raw.Control(s.read)
	s.into = nil
	if err != nil {
		return 0, err
	}
	return s.n, s.err
}

func (s *socket) Write(p []byte) (int, error) {
	if s.looking {
		return 0, errLooking
	}
	return s.Conn.Write(p)
}
