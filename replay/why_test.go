package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestWhy(t *testing.T) {
	t.Parallel()
	webhook := registry.Webhook{
		Account: "demo", Event: "optin", Active: true, Created: noon, Ranges: []registry.Range{{ID: registry.RangeBefore, To: event.End{Seq: 5}}},
	}
	inactive := webhook
	inactive.Active, inactive.Deactivated, inactive.Reason = false, noon, "refused"
	activated := webhook
	activated.Activation = &backlog.Activation{At: noon.Add(9 * time.Hour), From: event.End{Seq: 60}, Deactivated: noon.Add(time.Hour)}
	windowed := webhook
	windowed.Activation = &backlog.Activation{At: noon.Add(9 * time.Hour), Replay: true, Until: event.End{Seq: 40}, From: event.End{Seq: 60}, Deactivated: noon.Add(time.Hour)}
	stored := &event.Event{Account: "demo", Name: "optin", Seq: 50, Time: noon.Add(2 * time.Hour)}
	entry := func(o delivery.Outcome) []delivery.Entry {
		return []delivery.Entry{{Attempt: delivery.Attempt{Seq: 50, Published: stored.Time, Number: 1, At: noon, Outcome: o}}}
	}
	failed := func(attempts int) (entries []delivery.Entry) {
		for n := attempts; n > 0; n-- {
			entries = append(entries, delivery.Entry{Attempt: delivery.Attempt{
				Seq: 50, Published: stored.Time, Number: n, At: noon.Add(2*time.Hour + time.Duration(n)*time.Minute), Outcome: delivery.Status,
			}})
		}
		return entries
	}
	old := func(entries []delivery.Entry) []delivery.Entry {
		entries[len(entries)-1].At = noon.Add(-48 * time.Hour)
		return entries
	}
	loss := func(from uint64, anew bool) broker.Setback {
		return broker.Setback{Number: 1, At: noon.Add(5 * time.Hour), From: from, Anew: anew, Seen: true}
	}
	activatedLater := webhook
	activatedLater.Activation = &backlog.Activation{At: noon.Add(9 * time.Hour), From: event.End{Seq: 60}, Deactivated: noon.Add(4 * time.Hour)}
	span := backlog.Record{Spans: []backlog.Span{{ID: "range", From: 40, Cursor: 45}}}
	another := event.Position{Seq: 50, Time: noon}
	for name, tt := range map[string]struct {
		change func(*facts)
		want   Reason
	}{
		"past the log":               {func(*facts) {}, Settled},
		"dropped by the retention":   {func(f *facts) { f.event, f.seq = nil, 3; f.now.bounds.First = 10 }, Gone},
		"never there":                {func(f *facts) { f.event, f.seq = nil, 500 }, Unknown},
		"another account's":          {func(f *facts) { f.event = &event.Event{Account: "other", Name: "optin"} }, Unknown},
		"filtered out":               {func(f *facts) { f.leftOut = "/id equals 5" }, LeftOut},
		"filtered out since":         {func(f *facts) { f.leftOut, f.entries = "/id equals 5", entry(delivery.Delivered) }, Delivered},
		"another event":              {func(f *facts) { f.event = &event.Event{Account: "demo", Name: "optout"} }, Foreign},
		"older than the webhook":     {func(f *facts) { f.seq = 4; f.event = &event.Event{Account: "demo", Name: "optin", Seq: 4, Time: noon} }, Before},
		"delivered":                  {func(f *facts) { f.entries = entry(delivery.Delivered) }, Delivered},
		"backing off":                {func(f *facts) { f.backlog = backlog.Record{Retries: []backlog.Retry{{Position: stored.Position()}}} }, Retrying},
		"waiting by itself":          {func(f *facts) { f.backlog = backlog.Record{Pending: backlog.Pending{{Position: stored.Position()}}} }, Waits},
		"in a span":                  {func(f *facts) { f.backlog = span }, Queued},
		"in a span, and dropped":     {func(f *facts) { f.backlog, f.event, f.entries = span, nil, entry(delivery.Refused) }, Gone},
		"inactive":                   {func(f *facts) { f.webhook, f.backlog, f.edge = inactive, span, event.End{Seq: 60} }, Held},
		"inactive, after the window": {func(f *facts) { f.webhook, f.backlog, f.edge = inactive, span, event.End{Seq: 50} }, Outside},
		"ahead of the live path":     {func(f *facts) { f.now.progress = broker.Progress{HandedOut: 49, AckFloor: 49} }, Ahead},
		"in hand":                    {func(f *facts) { f.now.progress = broker.Progress{HandedOut: 50, AckFloor: 49} }, UnderWay},
		"activated without a replay": {func(f *facts) { f.webhook = activated }, Dropped},
		"activated after the window": {func(f *facts) { f.webhook = windowed }, Dropped},
		"exhausted":                  {func(f *facts) { f.entries = failed(10) }, Exhausted},
		"failed, and not known":      {func(f *facts) { f.entries = failed(3) }, Uncertain},
		"exhausted, and not told": {func(f *facts) {
			f.entries, f.backlog.Exhausted.Seqs = failed(3), []uint64{50}
		}, Exhausted},
		"exhausted, and being told": {func(f *facts) {
			f.entries, f.backlog.Outbox = failed(3), []backlog.Notice{{Seqs: []uint64{49, 50}}}
		}, Exhausted},
		"failed, and handed out again":        {func(f *facts) { f.entries, f.now.progress.AckFloor = failed(3), 49 }, UnderWay},
		"exhausted, while others are in hand": {func(f *facts) { f.entries, f.now.progress.AckFloor = failed(10), 49 }, Exhausted},
		"exhausted, and handed out again":     {func(f *facts) { f.entries, f.loss, f.now.progress.AckFloor = failed(10), loss(40, false), 49 }, UnderWay},
		"exhausted, and handed out since":     {func(f *facts) { f.entries, f.loss = failed(10), loss(40, false) }, Uncertain},
		"exhausted, and before what was lost": {func(f *facts) { f.entries, f.loss = failed(10), loss(60, false) }, Exhausted},
		"failed often before all was lost":    {func(f *facts) { f.entries, f.loss = failed(10), loss(60, true) }, Uncertain},
		"failed for long before all was lost": {func(f *facts) { f.entries, f.loss = old(failed(10)), loss(60, true) }, Exhausted},
		"not known, and all was lost":         {func(f *facts) { f.loss = loss(60, true) }, Uncertain},
		"not known, and handed out since":     {func(f *facts) { f.loss = loss(40, true) }, Settled},
		"failed, and left out":                {func(f *facts) { f.entries, f.webhook = failed(3), activatedLater }, Dropped},
		"exhausted before it was deactivated": {func(f *facts) { f.entries, f.webhook = failed(10), activatedLater }, Exhausted},
		"failed, and NATS lost more":          {func(f *facts) { f.entries, f.unsure = failed(10), true }, Waits},
		"taken, and NATS lost more":           {func(f *facts) { f.entries, f.unsure = entry(delivery.Delivered), true }, Delivered},
		"nothing known, and NATS lost more":   {func(f *facts) { f.unsure = true }, Waits},
		"taken before NATS lost that":         {func(f *facts) { f.entries, f.loss = entry(delivery.Delivered), loss(40, true) }, Delivered},
		"beyond a span, by its time": {func(f *facts) {
			f.backlog = backlog.Record{Spans: []backlog.Span{{From: 40, Cursor: 45, To: event.End{Seq: 60, AsOf: another.Time}}}}
		}, Settled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts{
				seq: 50, event: stored, webhook: webhook, rules: &rules,
				now: moment{bounds: broker.Bounds{First: 1, Last: event.Position{Seq: 100}}, progress: broker.Progress{HandedOut: 100, AckFloor: 100}},
			}
			tt.change(&f)
			got, text := f.why()
			if got != tt.want || text == "" {
				t.Errorf("%s: %s, want %s", got, text, tt.want)
			}
			if got == Retrying && !strings.HasSuffix(text, "; the next attempt is due now.") {
				t.Errorf("of an event whose next attempt has no time it is said: %s", text)
			}
		})
	}
}
