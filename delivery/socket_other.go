//go:build !unix

package delivery

import "os"

// probes says whether idle connections can be looked at on this system; where they cannot, net/http makes all attempts.
const probes = false

func (s *socket) readNow(uintptr) { s.n, s.err = 0, os.ErrDeadlineExceeded }

func (s *socket) stepNow(uintptr) bool { s.err = os.ErrDeadlineExceeded; return true }
