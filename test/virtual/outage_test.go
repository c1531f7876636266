package virtual

import (
	"fmt"
	"testing"
	"time"

	"github.com/saumer/saumer/replay"
)

func TestOwnOutageDeactivatesNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var ids []uint64
		for i := range 6 {
			ids = append(ids, w.createAt(fmt.Sprintf("http://host%d.example/hook", i)))
		}
		w.receiver.goes(true)
		w.publish(0, 1)
		w.pass(2 * day)
		for _, id := range ids {
			if s := w.status(id); s.State != replay.Lagging {
				t.Errorf("webhook %d after two days in which no host could be reached: %+v", id, s)
			}
		}
		// The network is back, and one host stays away: the fault is its own.
		w.receiver.goes(false)
		w.receiver.only("host0.example:80")
		w.pass(2 * time.Hour)
		for i, id := range ids {
			want := replay.Live
			if i == 0 {
				want = replay.Inactive
			}
			if s := w.status(id); s.State != want {
				t.Errorf("webhook %d after the network is back: %+v, want %s", id, s, want)
			}
		}
	})
}
