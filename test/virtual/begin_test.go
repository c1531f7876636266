package virtual

import (
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/replay"
)

// A new webhook begins where it is told to, sends each event once, what is old as a replay, and leaves the other webhook alone.
func TestBeginInThePast(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.publish(0, 5)
		w.pass(time.Hour)
		since := time.Now()
		w.publish(5, 70)
		w.pass(time.Hour)
		begin := func(from replay.Start, f *filter.Filter) uint64 {
			w.t.Helper()
			created, _, err := w.app.Service().Create(w.t.Context(), w.account, api.CreateInput{
				App: "tourism", Event: optin, URL: "http://receiver.example/hook", From: &from, Filter: f,
			})
			if err != nil {
				w.t.Fatal(err)
			}
			return created.ID
		}
		w.receiver.goes(true)
		id := begin(replay.Start{Time: since}, nil)
		w.publish(70, 75)
		w.pass(time.Minute)
		w.restart()
		w.receiver.goes(false)
		w.pass(2 * time.Hour)
		w.got([2]int{5, 75})
		replays := 0
		for _, header := range w.receiver.seen() {
			if header.Get("Saumer-Replay") != "" {
				replays++
			}
		}
		if replays < 65 {
			w.t.Errorf("%d deliveries say that they are a replay, want 65 at least", replays)
		}
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 || s.Replay == nil || s.Replay.Total != 65 || s.Replay.Done != 65 {
			w.t.Errorf("at the end: %+v %+v", s, s.Replay)
		}
		// By a sequence, with a filter: a rehearsal.
		begin(replay.Start{Sequence: 1}, from("73"))
		w.pass(time.Minute)
		w.got([2]int{5, 75}, [2]int{73, 75})
		begin(replay.Start{Sequence: 1000}, nil)
		w.pass(time.Minute)
		w.got([2]int{5, 75}, [2]int{73, 75})
	})
}
