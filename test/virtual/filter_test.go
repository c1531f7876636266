package virtual

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// from is a filter that leaves out the numbers below one.
func from(number string) *filter.Filter {
	return &filter.Filter{Min: []byte(number)}
}

func (w *world) createFiltered(f *filter.Filter, settings registry.Settings) uint64 {
	w.t.Helper()
	created, _, err := w.app.Service().Create(w.t.Context(), w.account, api.CreateInput{
		App: "tourism", Event: optin, URL: "http://receiver.example/hook", Filter: f, Settings: settings,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return created.ID
}

func (w *world) refilter(id uint64, f *filter.Filter) {
	w.t.Helper()
	if _, err := w.app.Service().Change(w.t.Context(), w.account, id, api.Change{Filter: f}); err != nil {
		w.t.Fatal(err)
	}
}

// What a filter leaves out is sent neither by the live path, nor by the backlog, nor by a replay, and does not wait; why says so.
func TestFilterLeavesOutEverywhere(t *testing.T) {
	for name, settings := range map[string]registry.Settings{"live": {}, "ordered": {Ordered: true}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				id := w.createFiltered(from("5"), settings)
				w.publish(0, 10)
				w.pass(time.Second)
				w.got([2]int{5, 10})
				if s := w.status(id); s.State != replay.Live || s.Lag != 0 {
					w.t.Errorf("with events that are left out: %+v", s)
				}
				why, err := w.app.Service().Why(w.t.Context(), w.account, id, api.Reference{Sequence: 3})
				if err != nil || why.Reason != replay.LeftOut || !strings.Contains(why.Text, "filtered out by the condition that the data is 5 or more") {
					w.t.Errorf("why: %+v, %v", why, err)
				}
				if _, err := w.app.Service().Redeliver(w.t.Context(), w.account, id, api.Reference{Sequence: 3}); !errors.Is(err, replay.ErrLeftOut) {
					w.t.Errorf("a redelivery: %v", err)
				}
				// The backlog: the endpoint is down, and what is left out comes between and at the end.
				w.receiver.goes(true)
				w.publish(10, 12)
				w.pass(time.Minute)
				w.publish(3, 5)
				w.publish(12, 14)
				w.publish(0, 3)
				w.pass(time.Minute)
				w.receiver.goes(false)
				w.pass(2 * time.Hour)
				w.got([2]int{5, 14})
				if s := w.status(id); s.State != replay.Live || s.Lag != 0 || !s.FailingSince.IsZero() {
					w.t.Errorf("after the backlog: %+v", s)
				}
				// A replay of all.
				w.refilter(id, from("13"))
				if _, err := w.app.Service().Replay(w.t.Context(), w.account, id, time.Now().Add(-24*time.Hour), time.Now()); err != nil {
					w.t.Fatal(err)
				}
				w.pass(time.Minute)
				w.got([2]int{5, 14}, [2]int{13, 14})
				if s := w.status(id); s.State != replay.Live || s.Lag != 0 || s.Replay.Done != s.Replay.Total {
					w.t.Errorf("after the replay: %+v %+v", s, s.Replay)
				}
			})
		})
	}
}

// A filter that comes while events wait holds for these, too.
func TestFilterHoldsForWhatWaits(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 60)
		w.pass(time.Hour)
		w.refilter(id, from("40"))
		w.restart()
		w.receiver.goes(false)
		w.pass(2 * time.Hour)
		w.got([2]int{40, 60})
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 {
			w.t.Errorf("at the end: %+v", s)
		}
		w.refilter(id, &filter.Filter{})
		w.publish(0, 1)
		w.pass(time.Second)
		w.got([2]int{0, 1}, [2]int{40, 60})
	})
}
