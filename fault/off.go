//go:build !chaos

package fault

// At is where a test binary may be made to fail.
func At(Step) {}

// Boot is the name of the start of this machine, which a test binary may be given another of.
func Boot(name string) string { return name }
