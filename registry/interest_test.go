package registry

import (
	"errors"
	"strings"
	"testing"
)

func TestTakes(t *testing.T) {
	t.Parallel()
	for events, want := range map[string][2]string{
		"a":             {"a", "b ab"},
		"*":             {"a b", ""},
		"optin_*":       {"optin_finalized optin_", "optout_finalized xoptin_a optin"},
		"*_finalized,b": {"optin_finalized b", "a optin"},
	} {
		var w Webhook
		w.SetEvents(strings.Split(events, ","))
		for i, names := range want {
			for _, name := range strings.Fields(names) {
				if w.Takes(name) != (i == 0) {
					t.Errorf("%s takes %s: %v", events, name, i != 0)
				}
			}
		}
	}
	for _, events := range [][]string{{"a b"}, {""}, {"[a]"}, {strings.Repeat("a", maxPattern+1)}, make([]string, maxEvents+1)} {
		if _, err := CheckEvents(events); !errors.Is(err, ErrEvents) {
			t.Errorf("%q: %v", events, err)
		}
	}
}
