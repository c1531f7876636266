//go:build unix

package http1

import (
	"io"
	"os"
	"syscall"
)

// canLook says whether idle connections can be looked at on this system.
const canLook = true

// readNow reads what is there.
func (s *socket) readNow(fd uintptr) {
	n, err := uninterrupted(syscall.Read, fd, s.into)
	switch {
	case err == syscall.EAGAIN:
		n, err = 0, os.ErrDeadlineExceeded
	case err == nil && n == 0:
		err = io.EOF
	}
	s.n, s.err = max(n, 0), err
}

// stepNow goes on with an exchange. It says whether that is over; else it is to be called again when there is
// something to read. What comes from its first call on is not missed.
func (s *socket) stepNow(fd uintptr) (over bool) {
	if s.request == nil {
		s.readNow(fd)
		return s.err != os.ErrDeadlineExceeded
	}
	if s.look {
		if s.readNow(fd); s.err != os.ErrDeadlineExceeded {
			s.n, s.err = 0, errStale
			return true
		}
	}
	n, err := uninterrupted(syscall.Write, fd, s.request)
	if err == syscall.EAGAIN {
		err = nil
	}
	s.written, s.err = max(n, 0), err
	over = err != nil || s.written < len(s.request)
	s.request = nil
	return over
}

// uninterrupted makes a call of the system again if a signal has interrupted it.
func uninterrupted(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (n int, err error) {
	for {
		if n, err = call(int(fd), p); err != syscall.EINTR {
			return n, err
		}
	}
}
