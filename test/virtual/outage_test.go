package virtual

import (
	"fmt"
	"testing"
	"time"

	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/replay"
)

// six makes six webhooks, each of a host of its own, and returns them with the addresses of the hosts.
func (w *world) six() (ids []uint64, hosts []string) {
	w.t.Helper()
	for i := range 6 {
		ids = append(ids, w.createAt(fmt.Sprintf("http://host%d.example/hook", i)))
		hosts = append(hosts, fmt.Sprintf("host%d.example:80", i))
	}
	return ids, hosts
}

func (w *world) are(ids []uint64, want string) {
	w.t.Helper()
	for _, id := range ids {
		if s := w.status(id); s.State != want {
			w.t.Errorf("webhook %d is %s, want %s: %+v", id, s.State, want, s)
		}
	}
}

func TestOwnOutageDeactivatesNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		ids, hosts := w.six()
		w.publish(0, 1)
		w.pass(time.Minute)
		w.receiver.goes(true)
		w.publish(1, 2)
		w.pass(36 * time.Hour)
		w.are(ids, replay.Lagging)
		// The network is back, and one host stays away: the fault is its own.
		w.receiver.goes(false)
		w.receiver.only(hosts[0])
		w.pass(2 * time.Hour)
		w.are(ids[:1], replay.Inactive)
		w.are(ids[1:], replay.Live)
	})
}

// What has failed for days is no outage of ours.
func TestAnOutageThatDoesNotEnd(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		ids, _ := w.six()
		w.publish(0, 1)
		w.pass(time.Minute)
		w.receiver.goes(true)
		w.publish(1, 2)
		w.pass(2*day + time.Hour)
		w.are(ids, replay.Inactive)
		for _, id := range ids {
			if told := w.told(id); len(told) == 0 || told[len(told)-1].Kind != notify.Deactivated {
				t.Errorf("of webhook %d people were told %v", id, told)
			}
		}
	})
}

// Dead endpoints are deactivated and announced beside a neighbour that takes its events, whether they ever answered or not.
func TestDeadNeighbours(t *testing.T) {
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprintf("answered before %v", once), func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				ids, hosts := w.six()
				live := w.createAt("http://live.example/hook")
				if once {
					w.publish(0, 1)
					w.pass(time.Minute)
				}
				w.receiver.only(hosts...)
				for i := range 300 {
					w.publish(1+i, 2+i)
					w.pass(5 * time.Minute)
				}
				w.are(ids, replay.Inactive)
				for _, id := range ids {
					w.tells(id, notify.Failing, notify.Deactivated)
				}
				w.tells(live)
			})
		})
	}
}

// Whoever never answered gets the blame, also where nobody answers.
func TestDeadFromTheStart(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		ids, _ := w.six()
		w.receiver.goes(true)
		w.publish(0, 1)
		w.pass(25 * time.Hour)
		w.are(ids, replay.Inactive)
	})
}

// The operator is told that our own network seems to be down: over each channel, once an outage, also if the process is started
// anew meanwhile; and the API says so of what fails, until it is over.
func TestTheOperatorIsToldOfOurOwnNetwork(t *testing.T) {
	var to channels
	inWorld(t, to.open, func(w *world) {
		ids, _ := w.six()
		says := func() (network bool) {
			described, err := w.app.Service().Get(w.t.Context(), w.account, ids[0])
			if err != nil {
				t.Fatal(err)
			}
			return !described.Outage.IsZero()
		}
		notices := func(want int) {
			t.Helper()
			listed, err := w.app.Service().Notices(w.t.Context(), w.account, 0, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, notice := range listed {
				if notice.Kind == notify.Network && notice.Account == notify.Operator && !notice.Since.IsZero() {
					n++
				}
			}
			if n != want || len(to.mails.subjects()) != want || len(to.operator.bodies()) != want {
				t.Errorf("%d notices, mailed were %q, posted %d; want %d", n, to.mails.subjects(), len(to.operator.bodies()), want)
			}
		}
		w.publish(0, 1)
		w.pass(time.Minute)
		if notices(0); says() {
			t.Error("it is said to be down while all is well")
		}
		w.receiver.goes(true)
		w.publish(1, 2)
		w.pass(10 * time.Minute)
		if notices(1); !says() {
			t.Error("it is not said of a webhook that fails")
		}
		w.restart()
		w.pass(time.Minute)
		notices(1)
		w.receiver.goes(false)
		w.publish(2, 3)
		w.pass(20 * time.Minute)
		if notices(1); says() {
			t.Error("it is said to be down though it is not any more")
		}
		w.receiver.goes(true)
		w.publish(3, 4)
		w.pass(10 * time.Minute)
		notices(2)
		to.close()
	})
}
