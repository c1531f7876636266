package registry_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seq uint64, t time.Time) event.Position { return event.Position{Seq: seq, Time: t} }

func TestRangeHolds(t *testing.T) {
	t.Parallel()
	w := registry.Webhook{Ranges: []registry.Range{
		{ID: registry.RangeBefore, To: event.End{Seq: 5, AsOf: noon}},
		{ID: "old form", From: 10, To: event.End{Seq: 12}},
		{ID: "open", From: 20},
	}}
	for name, tt := range map[string]struct {
		at   event.Position
		want string
	}{
		"published before the webhook":                 {at(4, noon), registry.RangeBefore},
		"the first event after it":                     {at(5, noon.Add(1)), ""},
		"a number given again after it":                {at(4, noon.Add(1)), ""},
		"between the ranges":                           {at(9, noon), ""},
		"in a range whose time is not known":           {at(11, noon.Add(time.Hour)), "old form"},
		"at its end":                                   {at(12, noon), ""},
		"where the open range begins":                  {at(20, noon), "open"},
		"far in the open range":                        {at(1<<60, noon.Add(time.Hour)), "open"},
		"before the open range, in a stream gone back": {at(19, noon.Add(time.Hour)), ""},
	} {
		if r, ok := w.RangeOf(tt.at); r.ID != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: in the range %q, want %q", name, r.ID, tt.want)
		}
	}
}

func TestOpenAndCloseRange(t *testing.T) {
	t.Parallel()
	end := event.End{Seq: 5, AsOf: noon}
	w := registry.Webhook{Ranges: []registry.Range{{ID: registry.RangeBefore, To: end}}}
	expect := func(what string, err error, fails bool, want ...registry.Range) {
		t.Helper()
		if (err != nil) != fails || !reflect.DeepEqual(w.Ranges, want) {
			t.Errorf("%s: %+v, %v; want %+v", what, w.Ranges, err, want)
		}
	}
	before := registry.Range{ID: registry.RangeBefore, To: end}
	kept := w.Ranges
	// After the stream went back a range may begin below the end of an older one.
	expect("open", w.OpenRange("a", 3, 4), false, before, registry.Range{ID: "a", From: 3})
	expect("open while one is open", w.OpenRange("b", 9, 4), true, before, registry.Range{ID: "a", From: 3})
	if len(kept) != 1 {
		t.Errorf("the list of before was changed: %+v", kept)
	}
	expect("close another", w.CloseRange("b", end), true, before, registry.Range{ID: "a", From: 3})
	expect("close without an end", w.CloseRange("a", event.End{}), true, before, registry.Range{ID: "a", From: 3})
	later := event.End{Seq: 8, AsOf: noon.Add(time.Minute)}
	expect("close", w.CloseRange("a", later), false, before, registry.Range{ID: "a", From: 3, To: later})
	expect("close lower and earlier", w.CloseRange("a", end), false, before, registry.Range{ID: "a", From: 3, To: later})
	expect("close as of nothing known", w.CloseRange("a", event.End{Seq: 8}), false, before, registry.Range{ID: "a", From: 3, To: later})
	higher := event.End{Seq: 9, AsOf: later.AsOf}
	expect("close higher", w.CloseRange("a", event.End{Seq: 9, AsOf: noon}), false, before, registry.Range{ID: "a", From: 3, To: higher})
	expect("an ID again", w.OpenRange("a", 20, 0), true, before, registry.Range{ID: "a", From: 3, To: higher})
	if r, ok := w.RangeByID("a"); !ok || r.To != higher {
		t.Errorf("the range a: %+v, %v", r, ok)
	}
	if r, ok := w.RangeByID("b"); ok {
		t.Errorf("the range b: %+v", r)
	}
	// What ends at or below the floor goes, what reaches above it stays.
	expect("open above a floor", w.OpenRange("c", 20, 5), false, registry.Range{ID: "a", From: 3, To: higher}, registry.Range{ID: "c", From: 20})
}
