//go:build !linux && !darwin

package doctor

// freeBytes is not known.
func freeBytes(string) (uint64, bool) { return 0, false }
