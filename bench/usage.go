package bench

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"
)

// Usage is what a part has used so far.
type Usage struct {
	CPU time.Duration
	// Memory is what is resident, in bytes.
	Memory uint64
}

func usage() (u Usage, err error) {
	if u.CPU, err = cpu(); err != nil {
		return u, err
	}
	u.Memory = resident()
	return u, nil
}

// resident is the memory of this process that is in RAM; where the system does not say, what Go has of it.
func resident() uint64 {
	if status, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := bytes.Fields(status); len(fields) > 1 {
			if pages, err := strconv.ParseUint(string(fields[1]), 10, 64); err == nil {
				return pages * uint64(os.Getpagesize())
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}
