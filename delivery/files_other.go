//go:build !unix

package delivery

// OpenFiles is how many files the process may have open, 0 if that is not known.
func OpenFiles() uint64 { return 0 }
