package config

import (
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"5d": 120 * time.Hour, "2w": 336 * time.Hour, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute, "0s": 0, "-5d": -120 * time.Hour, "-1m": -time.Minute,
	} {
		var flags struct{ For time.Duration }
		parser, err := kong.New(&flags, Durations())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{"--for=" + text}); err != nil || flags.For != want {
			t.Errorf("%s is %v, %v, want %v", text, flags.For, err, want)
		}
	}
	for _, text := range []string{"", "5", "5x", "d", "five days"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}
