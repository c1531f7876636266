package replay

import (
	"testing"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

func TestWhy(t *testing.T) {
	t.Parallel()
	webhook := registry.Webhook{
		Account: "demo", Event: "optin", Active: true, Created: noon, Ranges: []registry.Range{{ID: registry.RangeBefore, To: event.End{Seq: 5}}},
	}
	inactive := webhook
	inactive.Active, inactive.Deactivated, inactive.Reason = false, noon, "refused"
	activated := webhook
	activated.Activation = &registry.Activation{At: noon.Add(9 * time.Hour), From: event.End{Seq: 60}, Deactivated: noon.Add(time.Hour)}
	windowed := webhook
	windowed.Activation = &registry.Activation{At: noon.Add(9 * time.Hour), Replay: true, Until: event.End{Seq: 40}, From: event.End{Seq: 60}, Deactivated: noon.Add(time.Hour)}
	entry := func(o delivery.Outcome) []delivery.Entry {
		return []delivery.Entry{{Attempt: attempt(50, o, noon)}}
	}
	stored := &event.Event{Account: "demo", Name: "optin", Seq: 50, Time: noon.Add(2 * time.Hour)}
	span := Backlog{Spans: []Span{{From: 40, Next: 45}}}
	for name, tt := range map[string]struct {
		change func(*facts)
		want   Reason
	}{
		"past the log":               {func(*facts) {}, Settled},
		"dropped by the retention":   {func(f *facts) { f.event, f.seq = nil, 3; f.first = 10 }, Gone},
		"never there":                {func(f *facts) { f.event, f.seq = nil, 500 }, Unknown},
		"another account's":          {func(f *facts) { f.event = &event.Event{Account: "other", Name: "optin"} }, Unknown},
		"another event":              {func(f *facts) { f.event = &event.Event{Account: "demo", Name: "optout"} }, Foreign},
		"older than the webhook":     {func(f *facts) { f.seq = 4 }, Before},
		"delivered":                  {func(f *facts) { f.entries = entry(delivery.Delivered) }, Delivered},
		"backing off":                {func(f *facts) { f.backlog = Backlog{Retries: []Retry{{Seq: 50}}} }, Retrying},
		"waiting by itself":          {func(f *facts) { f.backlog = Backlog{Pending: Pending{{Seq: 50}}} }, Waits},
		"in a span":                  {func(f *facts) { f.backlog = span }, Queued},
		"in a span, and dropped":     {func(f *facts) { f.backlog, f.event, f.entries = span, nil, entry(delivery.Refused) }, Gone},
		"inactive":                   {func(f *facts) { f.webhook, f.backlog, f.edge = inactive, span, 60 }, Held},
		"inactive, after the window": {func(f *facts) { f.webhook, f.backlog, f.edge = inactive, span, 50 }, Outside},
		"ahead of the live path":     {func(f *facts) { f.position = broker.Progress{HandedOut: 49, AckFloor: 49} }, Ahead},
		"in hand":                    {func(f *facts) { f.position = broker.Progress{HandedOut: 50, AckFloor: 49} }, UnderWay},
		"activated without a replay": {func(f *facts) { f.webhook = activated }, Dropped},
		"activated after the window": {func(f *facts) { f.webhook = windowed }, Dropped},
		"given up":                   {func(f *facts) { f.entries = entry(delivery.Status) }, Exhausted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts{seq: 50, event: stored, first: 1, last: 100, position: broker.Progress{HandedOut: 100, AckFloor: 100}, webhook: webhook}
			tt.change(&f)
			if got, text := f.why(); got != tt.want || text == "" {
				t.Errorf("%s: %s, want %s", got, text, tt.want)
			}
		})
	}
}
