package console

import (
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

func TestDue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC)
	of := func(active bool, p *replay.Progress) time.Time {
		return view{Webhook: api.Webhook{Webhook: registry.Webhook{Active: active}, Status: replay.Status{Replay: p}}, at: at}.Due()
	}
	began := at.Add(-10 * time.Minute)
	if got := of(true, &replay.Progress{At: began, Total: 4000, Done: 1000}); !got.Equal(at.Add(30 * time.Minute)) {
		t.Errorf("a quarter in ten minutes is due at %v", got)
	}
	for name, got := range map[string]time.Time{
		"no replay":     of(true, nil),
		"nothing done":  of(true, &replay.Progress{At: began, Total: 4000}),
		"done":          of(true, &replay.Progress{At: began, Total: 4000, Done: 4000}),
		"of a paused":   of(false, &replay.Progress{At: began, Total: 4000, Done: 1000}),
		"nothing to do": of(true, &replay.Progress{At: began}),
	} {
		if !got.IsZero() {
			t.Errorf("%s is due at %v", name, got)
		}
	}
}
