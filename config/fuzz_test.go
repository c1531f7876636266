package config

import (
	"strconv"
	"testing"
)

func FuzzSize(f *testing.F) {
	for _, seed := range []string{"20GB", "512MiB", "1000000", "-1", "9223372036854775807", "9223372036854775808", "1e30", "NaN", "Inf GB", "16EiB", "1.5 kB", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil {
			if s != 0 {
				t.Errorf("%q was refused and set %d", text, s)
			}
			return
		}
		if s < 0 {
			t.Errorf("%q is %d", text, s)
		}
		var again Size
		if err := again.UnmarshalText([]byte(strconv.FormatInt(int64(s), 10))); err != nil || s < 1<<53 && again != s {
			t.Errorf("%q is %d, which is read as %d, %v", text, s, again, err)
		}
		if want, err := strconv.ParseInt(text, 10, 64); err == nil && want >= 0 && int64(s) != want {
			t.Errorf("%q is %d", text, s)
		}
	})
}
