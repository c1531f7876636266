//go:build unix

package delivery

import "syscall"

// OpenFiles is how many files the process may have open, 0 if that is not known.
func OpenFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur)
}
