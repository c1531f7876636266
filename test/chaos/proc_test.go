package chaos

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/saumer/saumer/test/process"
)

// stopped says whether a process is stopped, by the system's word (proc(5), /proc/pid/stat).
func stopped(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := bytes.Cut(text, []byte(") "))
	return len(after) > 0 && after[0] == 'T'
}

// resident is what a process has in memory, in bytes (proc(5), VmRSS).
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}

// goroutines asks a process built to fail how many goroutines it has; 0 if it does not say.
func goroutines(s *process.Saumer) int {
	const label = "fault: goroutines "
	told := strings.Count(s.Output(), label)
	if s.Signal(syscall.SIGUSR2) != nil {
		return 0
	}
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		out := s.Output()
		if i := strings.LastIndex(out, label); strings.Count(out, label) > told && i >= 0 {
			word, _, _ := strings.Cut(out[i+len(label):], "\n")
			if n, err := strconv.Atoi(word); err == nil {
				return n
			}
		}
	}
	return 0
}
