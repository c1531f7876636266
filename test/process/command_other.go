//go:build !linux

package process

import "os/exec"

// command is exec.Command: here a process that outlives this one has to be ended by hand.
func command(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }
