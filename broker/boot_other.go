//go:build !linux

package broker

// boot names the start of this machine; empty, since that cannot be told here. A process that was killed then counts as a
// machine that lost its power.
func boot() string { return "" }
