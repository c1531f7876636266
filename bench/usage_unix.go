//go:build unix

package bench

import (
	"fmt"
	"syscall"
	"time"
)

// cpu is what this process has used so far, in user and system mode together.
func cpu() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, fmt.Errorf("ask for the CPU used: %w", err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}
