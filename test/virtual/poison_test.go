package virtual

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/replay"
)

// What an endpoint may do with an event instead of answering it.
const (
	resets = -1 - iota // the connection ends without an answer
	hangs              // no answer comes
	cuts               // a 200 ends in the middle of its body
)

// misbehave does what stands for a status below 0.
func (r *receiver) misbehave(w http.ResponseWriter, req *http.Request, what int) {
	if what == hangs {
		<-req.Context().Done()
		return
	}
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if what == cuts {
		_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") // whoever has left misses nothing
		_ = buffered.Flush()
	}
	_ = conn.Close() // a pipe's never fails
}

// failures are what an endpoint that takes nothing may do with an event.
var failures = map[string]int{
	"502": 502, "503": 503, "504": 504, "429": 429, "408": 408, "425": 425, "507": 507, "522": 522,
	"reset": resets, "hang": hangs, "cut off": cuts,
}

// anyOf answers what fails with a status, and all others with 200.
func anyOf(status int, bodies ...string) func(string) int {
	fails := map[string]bool{}
	for _, b := range bodies {
		fails[b] = true
	}
	return func(body string) int {
		if fails[body] {
			return status
		}
		return http.StatusOK
	}
}

// One event of many meets what an endpoint that takes nothing does. It backs off by itself, and in the end is exhausted; all
// others come within seconds, by the live path.
func TestOneEventFailsAndAllOthersAreTaken(t *testing.T) {
	for name, status := range failures {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				id := w.create()
				w.receiver.answers(anyOf(status, "3"))
				for i := range 40 {
					w.publish(i, i+1)
					w.pass(time.Second)
					if got := len(w.receiver.bodies()); got < i-3 {
						t.Fatalf("after %d events, one a second, %d have come", i+1, got)
					}
				}
				w.pass(time.Minute)
				w.got([2]int{0, 3}, [2]int{4, 40})
				if s := w.status(id); s.State != replay.Live || s.Retries != 1 || !s.FailingSince.IsZero() {
					t.Errorf("while one event fails: %+v", s)
				}
				w.retrying(id, 4)
				for hour := range 25 {
					w.publish(40+hour, 41+hour)
					w.pass(time.Hour)
				}
				w.got([2]int{0, 3}, [2]int{4, 65})
				if s := w.status(id); s.State != replay.Live || s.Retries != 0 {
					t.Errorf("after a day: %+v", s)
				}
				w.tells(id, notify.Exhausted)
			})
		})
	}
}

// retrying checks that why says of the event of a sequence that it is tried again by itself.
func (w *world) retrying(id, seq uint64) {
	w.t.Helper()
	why, err := w.app.Service().Why(w.t.Context(), w.account, id, api.Reference{Sequence: seq})
	if err != nil || why.Reason != replay.Retrying || !strings.Contains(why.Text, "takes others") {
		w.t.Errorf("why: %+v, error %v", why, err)
	}
}

// The same for all events is the endpoint's: the webhook backs off as a whole, and is deactivated.
func TestAllEventsFail(t *testing.T) {
	for name, status := range failures {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				id := w.create()
				w.receiver.answers(func(string) int { return status })
				w.publish(0, 5)
				for i := range 60 {
					w.publish(5+i, 6+i)
					w.pass(time.Minute)
				}
				// Fifty of them are before the range that the webhook's backlog opens, and so by the live path.
				if n := w.receiver.tried(); n > 100 {
					t.Errorf("%d attempts in an hour: it does not back off", n)
				}
				if s := w.status(id); s.State != replay.Lagging || s.Lag != 65 || s.FailingSince.IsZero() {
					t.Errorf("after an hour: %+v", s)
				}
				w.pass(24 * time.Hour)
				w.are([]uint64{id}, replay.Inactive)
				w.tells(id, notify.Failing, notify.Deactivated)
				w.receiver.answers(only("", 0))
				w.activate(id, true)
				w.pass(time.Minute)
				w.got([2]int{0, 65})
			})
		})
	}
}

// A replay of which a part fails sends all the rest, wherever that part lies and however much it is.
func TestAReplayPassesWhatFails(t *testing.T) {
	for _, c := range []struct{ from, to, step int }{{0, 1, 1}, {0, 10, 1}, {0, 100, 1}, {0, 200, 2}, {50, 150, 1}, {191, 200, 1}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				id := w.create()
				w.receiver.goes(true)
				w.publish(0, 200)
				w.pass(25 * time.Hour)
				w.are([]uint64{id}, replay.Inactive)
				var fails []string
				for i := c.from; i < c.to; i += c.step {
					fails = append(fails, strconv.Itoa(i))
				}
				w.receiver.goes(false)
				w.receiver.answers(anyOf(http.StatusBadGateway, fails...))
				w.activate(id, true)
				w.pass(5 * time.Minute)
				if got, want := len(w.receiver.bodies()), 200-len(fails); got != want {
					t.Errorf("%d events have come, want %d", got, want)
				}
				w.publish(200, 210)
				w.pass(10 * time.Second)
				if got, want := len(w.receiver.bodies()), 210-len(fails); got != want {
					t.Errorf("with those after it %d events have come, want %d", got, want)
				}
				if s := w.status(id); s.State != replay.Live || s.Retries != len(fails) {
					t.Errorf("after the replay: %+v", s)
				}
			})
		})
	}
}

// The only event fails, and the webhook is judged by it until another one is taken.
func TestTheOnlyEventFails(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(anyOf(http.StatusBadGateway, "0"))
		w.publish(0, 1)
		w.pass(time.Hour)
		w.tells(id, notify.Failing)
		w.publish(1, 2)
		w.pass(time.Second)
		w.got([2]int{1, 2})
		w.pass(30 * time.Minute)
		w.tells(id, notify.Failing, notify.Recovered)
		w.pass(25 * time.Hour)
		w.are([]uint64{id}, replay.Live)
		w.tells(id, notify.Failing, notify.Recovered, notify.Exhausted)
	})
}

// A 410 for one event is the event's, while others of the same minute are taken.
func TestGoneForOneEvent(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(anyOf(http.StatusGone, "3"))
		for i := range 10 {
			w.publish(i, i+1)
			w.pass(5 * time.Second)
		}
		w.got([2]int{0, 3}, [2]int{4, 10})
		w.are([]uint64{id}, replay.Live)
		w.pass(26 * time.Hour)
		w.are([]uint64{id}, replay.Live)
		w.tells(id, notify.Exhausted)
	})
}

// An ordered webhook waits for an event that fails, and goes on when that is exhausted.
func TestOrderedWebhookPassesAnEventThatFails(t *testing.T) {
	for name, status := range failures {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				id := w.createOrdered()
				w.receiver.answers(anyOf(status, "3"))
				w.publish(0, 10)
				w.pass(23 * time.Hour)
				w.gotInOrder(3)
				w.pass(3 * time.Hour)
				w.gotInOrder(10, 3)
				w.are([]uint64{id}, replay.Live)
			})
		})
	}
}
