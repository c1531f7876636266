//go:build !chaos

package fault

// At is where a test binary may be made to fail.
func At(Step) {}
