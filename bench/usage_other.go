//go:build !unix

package bench

import (
	"errors"
	"time"
)

// cpu cannot be told here.
func cpu() (time.Duration, error) {
	return 0, errors.New("the CPU that a process uses cannot be told on this system: benchmark on a Unix")
}
