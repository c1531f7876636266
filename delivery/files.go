package delivery

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"
)

const (
	// idleShare is the part of the process' files that idle connections of one kind may hold, and attemptShare the part that attempts
	// may. What is left is for the embedded NATS, which cannot wait for a file, and for publishers.
	idleShare, attemptShare = 8, 2
	// fileWait is how long a dial without a file waits before it tries again.
	fileWait = 20 * time.Millisecond
)

// fewer bounds the idle connections by the files that the process may have open; a limit of 0 is not known.
func fewer(idle int, files uint64) int {
	if files == 0 || idle <= 0 || uint64(idle) <= files/idleShare {
		return idle
	}
	return max(int(files/idleShare), 1)
}

// InFlight bounds attempts in flight by the files that the process may have open; a limit of 0 is not known.
func InFlight(most int, files uint64) int {
	if files == 0 || uint64(most) <= files/attemptShare {
		return most
	}
	return max(int(files/attemptShare), 1)
}

// sparing dials such that a process that has no file left for a connection gives up idle ones for it, that which has been idle
// the longest first. If there is none, it waits until others are done, as long as its context lets it.
func sparing(dial dialFunc, giveUp func() bool) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		for {
			c, err := dial(ctx, network, address)
			if err == nil || !noFile(err) {
				return c, err
			}
			if giveUp() {
				continue
			}
			select {
			case <-time.After(fileWait):
			case <-ctx.Done():
				return nil, err
			}
		}
	}
}

// dialFunc makes a connection, as a net.Dialer's DialContext does.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// noFile says whether a dial, or the look-up before it, failed for want of a file.
func noFile(err error) bool {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return true
	}
	// A resolver keeps only the text.
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && (strings.Contains(dns.Err, syscall.EMFILE.Error()) || strings.Contains(dns.Err, syscall.ENFILE.Error()))
}
