package broker

import (
	"os"
	"strings"
)

// boot names the start of this machine (random(4)); empty if that cannot be told.
func boot() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
