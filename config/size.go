package config

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, read from a text such as 20GB, 512MiB or 1000000.
type Size int64

// UnmarshalText reads a size; its error names the form.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > math.MaxInt64 {
		return fmt.Errorf("%q is not a size: write it like 20GB or 512MiB", text)
	}
	*s = Size(n)
	return nil
}
