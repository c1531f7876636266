package virtual

import (
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// A webhook for several events gets each of them, and no other: in the live path, from its backlog, and by a replay.
func TestSeveralEvents(t *testing.T) {
	const optout, moved = "optout_finalized", "moved"
	for name, settings := range map[string]registry.Settings{"live": {}, "ordered": {Ordered: true}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(o *app.Options) { o.Events = []string{optin, optout, moved} }, func(w *world) {
				created, _, err := w.app.Service().Create(w.t.Context(), w.account, api.CreateInput{
					App: "tourism", Events: []string{"opt*_finalized"}, URL: "http://receiver.example/hook", Settings: settings,
				})
				if err != nil {
					w.t.Fatal(err)
				}
				publish := func(name, body string) {
					w.t.Helper()
					if _, err := w.app.Service().Publish(w.t.Context(), w.account, name, "", []byte(body)); err != nil {
						w.t.Fatal(err)
					}
				}
				publish(optin, "0")
				publish(moved, "90")
				publish(optout, "1")
				w.pass(time.Second)
				w.got([2]int{0, 2})
				w.receiver.goes(true)
				publish(optin, "2")
				w.pass(time.Minute)
				for range 60 {
					publish(moved, "91")
				}
				publish(optout, "3")
				publish(moved, "92")
				w.pass(time.Minute)
				w.restart()
				w.receiver.goes(false)
				w.pass(2 * time.Hour)
				w.got([2]int{0, 4})
				if s := w.status(created.ID); s.State != replay.Live || s.Lag != 0 {
					w.t.Errorf("after the backlog: %+v", s)
				}
				why, err := w.app.Service().Why(w.t.Context(), w.account, created.ID, api.Reference{Sequence: 2})
				if err != nil || why.Reason != replay.Foreign {
					w.t.Errorf("why: %+v, %v", why, err)
				}
				if _, err := w.app.Service().Replay(w.t.Context(), w.account, created.ID, time.Now().Add(-24*time.Hour), time.Now()); err != nil {
					w.t.Fatal(err)
				}
				w.pass(time.Minute)
				w.got([2]int{0, 4}, [2]int{0, 4})
				if s := w.status(created.ID); s.State != replay.Live || s.Lag != 0 || s.Replay.Done != s.Replay.Total {
					w.t.Errorf("after the replay: %+v %+v", s, s.Replay)
				}
			})
		})
	}
}
