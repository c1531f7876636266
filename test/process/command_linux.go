package process

import (
	"os/exec"
	"syscall"
)

// command is exec.Command for a process that ends with this one, however this one ends (prctl(2), PR_SET_PDEATHSIG).
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
