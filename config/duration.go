package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/common/model"
)

// ParseDuration reads a duration as people write it: 5d, 2w, 1d12h, and what time.ParseDuration reads.
func ParseDuration(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	long, negative := strings.CutPrefix(text, "-")
	d, err := model.ParseDuration(long)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write it such as 30s, 15m, 36h, 5d or 2w", text)
	}
	if negative {
		d = -d
	}
	return time.Duration(d), nil
}

// Durations has kong read each duration with ParseDuration.
func Durations() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
			return err
		}
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		target.SetInt(int64(d))
		return nil
	}))
}
