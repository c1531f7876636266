package http1

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
	read    func(fd uintptr)
	step    func(fd uintptr) bool
	// What a read without waiting reads into, and what came of it.
	into []byte
	n    int
	err  error
	// What an exchange has to write yet, how much of it was written, and whether it looks for what is there before.
	request []byte
	written int
	look    bool
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
	s.raw, s.read, s.step = raw, s.readNow, s.stepNow
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

// exchange writes a request and reads what comes then. That is one call of the system less than a write and a read take,
// since a read finds nothing first. It writes what can be written without waiting; if that is not all, nothing is
// read. Where it is to look first, its error is errStale if anything is there before, even an end.
func (s *socket) exchange(request, into []byte, look bool) (written, n int, err error) {
	s.request, s.written, s.look = request, 0, look
	s.into, s.n, s.err = into, 0, nil
	err = s.raw.Read(s.step)
	s.request, s.into = nil, nil
	if err != nil {
		return s.written, 0, err
	}
	return s.written, s.n, s.err
}
