package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

// reservations are the locks of the ports that this process was given: who forgets one gives it up.
var reservations struct {
	sync.Mutex
	locks []*flock.Flock
}

// FreePort is a port of loopback that nobody listens on at the moment and that no other call gives, of this process or
// of another test of the same user, until this process ends: whoever listens on it can stop and listen again. It is below
// those that systems give to connections (ip_local_port_range on Linux begins at 32768, in gVisor at 16000).
func FreePort() (int, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("saumer-test-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("reserve a port: %w", err)
	}
	var last error
	for range 1000 {
		port := 10_000 + rand.IntN(6_000)
		lock := flock.New(filepath.Join(dir, fmt.Sprint(port)))
		reserved, err := lock.TryLock()
		if err != nil {
			return 0, fmt.Errorf("reserve port %d: %w", port, err)
		}
		if !reserved {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			reservations.Lock()
			reservations.locks = append(reservations.locks, lock)
			reservations.Unlock()
			return port, l.Close()
		}
		last = errors.Join(err, lock.Unlock())
	}
	return 0, fmt.Errorf("find a free port: %w", errors.Join(errors.New("all that were tried are taken"), last))
}
