//go:build unix

package delivery

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// probes says whether idle connections can be looked at on this system.
const probes = true

// readNow reads what is there.
func (s *socket) readNow(fd uintptr) {
	n, err := syscall.Read(int(fd), s.into)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		n, err = 0, os.ErrDeadlineExceeded
	case err == nil && n == 0:
		err = io.EOF
	}
	s.n, s.err = max(n, 0), err
}
