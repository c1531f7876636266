package config

import (
	"fmt"
	"time"
)

// always is what --nats-sync says instead of a time.
const always = "always"

// Sync is how often the disk writes: a time such as 10s, or "always", which is 0.
type Sync time.Duration

// UnmarshalText reads a time or "always"; its error names the forms.
func (s *Sync) UnmarshalText(text []byte) error {
	if string(text) == always {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not how often to sync: write a time like 10s, or %s", text, always)
	}
	*s = Sync(d)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Sync) MarshalText() ([]byte, error) {
	if s == 0 {
		return []byte(always), nil
	}
	return []byte(duration(time.Duration(s))), nil
}
