//go:build unix

package delivery

import (
	"errors"
	"syscall"
)

// probes says whether idle connections can be looked at on this system.
const probes = true

// look reads from an idle connection's socket without waiting. There is nothing to be read from one that is well.
func (c *conn) look(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	c.quiet = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
	return true
}
