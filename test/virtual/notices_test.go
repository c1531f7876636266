package virtual

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/replay"
)

// told are the notices of a webhook, oldest first.
func (w *world) told(id uint64) []notify.Notice {
	w.t.Helper()
	notices, err := w.app.Service().Notices(w.t.Context(), w.account, id, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(notices)
	return notices
}

// tells checks that people have been told exactly this, in this order, and returns the last notice.
func (w *world) tells(id uint64, kinds ...notify.Kind) notify.Notice {
	w.t.Helper()
	notices := w.told(id)
	var got []notify.Kind
	for _, n := range notices {
		got = append(got, n.Kind)
	}
	if !slices.Equal(got, kinds) {
		w.t.Errorf("people were told %v, want %v", got, kinds)
	}
	if len(notices) == 0 {
		return notify.Notice{}
	}
	return notices[len(notices)-1]
}

func TestPeopleAreToldThatItFailsAndThatItWorksAgain(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.createAt("http://user-token.example/hook?key=secret")
		w.publish(0, 1)
		w.pass(time.Second)
		w.receiver.goes(true)
		w.publish(1, 4)
		since := time.Now()
		w.pass(14*time.Minute + 59*time.Second)
		w.tells(id)
		w.restart()
		w.pass(2 * time.Second)
		n := w.tells(id, notify.Failing)
		if n.Webhook != id || n.App != "tourism" || n.Event != optin || n.Host != "user-token.example" || n.Buffered != 3 || n.Link != "" ||
			n.Since.Sub(since).Abs() > time.Second || n.At.Sub(since.Add(15*time.Minute)).Abs() > time.Second ||
			!n.Deactivation.Equal(n.Since.Add(day)) || !strings.Contains(n.Reason, "refused") {
			t.Errorf("people were told %+v", n)
		}
		w.restart()
		w.pass(5 * time.Hour)
		w.tells(id, notify.Failing)
		w.receiver.goes(false)
		w.pass(time.Hour)
		n = w.tells(id, notify.Failing, notify.Recovered)
		if !n.Since.Equal(w.told(id)[0].Since) || n.At.Before(since.Add(5*time.Hour)) {
			t.Errorf("people were told %+v", n)
		}
		// Another time is another time; a short one is none.
		w.receiver.goes(true)
		w.publish(4, 5)
		w.pass(5 * time.Minute)
		w.receiver.goes(false)
		w.pass(time.Hour)
		w.tells(id, notify.Failing, notify.Recovered)
		w.receiver.goes(true)
		w.publish(5, 6)
		w.pass(16 * time.Minute)
		w.tells(id, notify.Failing, notify.Recovered, notify.Failing)
		w.receiver.goes(false)
		w.pass(time.Hour)
		w.tells(id, notify.Failing, notify.Recovered, notify.Failing, notify.Recovered)
		w.got([2]int{0, 6})
	})
}

func TestPeopleAreToldOfADeactivationWithALink(t *testing.T) {
	inWorld(t, func(o *app.Options) { o.PublicURL = "https://hooks.example.org" }, func(w *world) {
		id := deliverAndFail(w)
		n := w.tells(id, notify.Failing, notify.Deactivated)
		_, token, _ := strings.Cut(n.Link, "https://hooks.example.org/reactivate/")
		link, err := w.app.Links().Parse(token, time.Now())
		if err != nil || link.Account != account || link.ID != id || !link.Deactivated.Equal(n.At) || !link.Expires.Equal(n.Expires) {
			t.Errorf("the link is for %+v, %v", link, err)
		}
		if n.Buffered != 10 || !n.ReplayUntil.Equal(n.At.Add(5*day)) || n.Expires.Sub(n.Since.Add(30*day)).Abs() > time.Second {
			t.Errorf("people were told %+v", n)
		}
		w.restart()
		w.pass(day)
		w.tells(id, notify.Failing, notify.Deactivated)
		w.receiver.goes(false)
		w.activate(id, true)
		w.pass(time.Minute)
		w.tells(id, notify.Failing, notify.Deactivated, notify.Recovered)
		w.got([2]int{0, 20})
	})
}

func TestFailureAfterAnActivationIsToldAnew(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.activate(id, true)
		w.pass(16 * time.Minute)
		w.tells(id, notify.Failing, notify.Deactivated, notify.Failing)
		w.pass(25 * time.Hour)
		w.tells(id, notify.Failing, notify.Deactivated, notify.Failing, notify.Deactivated)
	})
}

func TestPeopleAreToldWhenTheHostIsThereAgain(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.pass(day)
		tried := w.receiver.tried()
		w.pass(day)
		if n := w.receiver.tried() - tried; n < 20 || n > 40 {
			t.Errorf("the host was tried %d times in a day", n)
		}
		w.restart()
		w.receiver.goes(false)
		got := len(w.receiver.seen())
		w.pass(75 * time.Minute)
		n := w.tells(id, notify.Failing, notify.Deactivated, notify.Reachable)
		if first := w.told(id)[1]; n.Link != first.Link || n.Buffered != 10 || n.Reason == "" {
			t.Errorf("people were told %+v", n)
		}
		if s := w.status(id); s.State != replay.Inactive || len(w.receiver.seen()) != got {
			t.Errorf("after its host was tried: %+v, %d requests", s, len(w.receiver.seen())-got)
		}
		w.receiver.goes(true)
		w.pass(day)
		w.receiver.goes(false)
		w.pass(day)
		w.tells(id, notify.Failing, notify.Deactivated, notify.Reachable)
		w.activate(id, true)
		w.pass(time.Minute)
		w.got([2]int{0, 20})
	})
}

func TestHostIsTriedWithinTheReplayWindowAlone(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := deliverAndFail(w)
		w.pass(5 * day)
		tried := w.receiver.tried()
		w.pass(2 * day)
		w.receiver.goes(false)
		w.pass(2 * day)
		if n := w.receiver.tried(); n != tried {
			t.Errorf("the host was tried %d times after the replay window", n-tried)
		}
		w.tells(id, notify.Failing, notify.Deactivated)
	})
}

func TestHostThatWasThereAllAlongIsNotThereAgain(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(func(string) int { return http.StatusServiceUnavailable })
		w.publish(0, 1)
		w.pass(3 * day)
		w.tells(id, notify.Failing, notify.Deactivated)
	})
}

func TestGoneIsToldAtOnce(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.answers(func(string) int { return http.StatusGone })
		w.publish(0, 5)
		w.pass(time.Second)
		n := w.tells(id, notify.Deactivated)
		// The first answer decides, while the others are published.
		if n.Buffered < 1 || n.Buffered > 5 || !strings.Contains(n.Reason, "410") {
			t.Errorf("people were told %+v", n)
		}
		w.receiver.answers(only("", 0))
		w.activate(id, true)
		w.pass(time.Minute)
		w.tells(id, notify.Deactivated, notify.Recovered)
	})
}

func TestExhaustedEventsAreToldOnceAnHour(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		// Of each ten events the one that ends in 3 is rejected.
		w.receiver.answers(func(body string) int {
			if strings.HasSuffix(body, "3") {
				return http.StatusBadRequest
			}
			return http.StatusOK
		})
		for i := range 30 {
			w.publish(10*i, 10*i+10)
			w.pass(time.Minute)
		}
		for hour := range 28 {
			w.publish(1000+10*hour, 1003+10*hour)
			w.pass(30 * time.Minute)
			if hour == 24 {
				w.restart()
			}
			w.pass(30 * time.Minute)
		}
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 || s.Retries != 0 {
			t.Fatalf("after more than a day: %+v", s)
		}
		var seqs []uint64
		var last time.Time
		for _, n := range w.told(id) {
			if n.Kind != notify.Exhausted || n.Attempts < 10 || !strings.Contains(n.Reason, "400") || len(n.Seqs) == 0 {
				t.Errorf("people were told %+v", n)
			}
			if n.At.Sub(last) < time.Hour {
				t.Errorf("people were told at %v and at %v", last, n.At)
			}
			last = n.At
			seqs = append(seqs, n.Seqs...)
		}
		slices.Sort(seqs)
		var want []uint64
		for i := range 30 {
			want = append(want, uint64(10*i+4))
		}
		if !slices.Equal(seqs, want) {
			t.Errorf("exhausted as people were told: %v, want %v", seqs, want)
		}
		if n := len(w.told(id)); n < 2 || n > 4 {
			t.Errorf("%d notices for what was exhausted within about an hour", n)
		}
	})
}

func TestOwnOutageIsNotTold(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var ids []uint64
		for i := range 6 {
			ids = append(ids, w.createAt(fmt.Sprintf("http://host%d.example/hook", i)))
		}
		w.publish(0, 1)
		w.pass(time.Minute)
		w.receiver.goes(true)
		w.publish(1, 2)
		w.pass(5 * time.Hour)
		for _, id := range ids {
			w.tells(id)
		}
		w.receiver.goes(false)
		w.receiver.only("host0.example:80")
		w.pass(2 * time.Hour)
		w.tells(ids[0], notify.Failing)
		for _, id := range ids[1:] {
			w.tells(id)
		}
	})
}

func TestNoticesByPageAndWebhook(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		a, b := w.createAt("http://a.example/"), w.createAt("http://b.example/")
		for range 3 {
			w.receiver.goes(true)
			w.publish(0, 1)
			w.pass(time.Hour)
			w.receiver.goes(false)
			w.pass(time.Hour)
		}
		for _, id := range []uint64{a, b} {
			w.tells(id, notify.Failing, notify.Recovered, notify.Failing, notify.Recovered, notify.Failing, notify.Recovered)
		}
		all := w.told(0)
		if len(all) != 12 {
			t.Fatalf("%d notices of all, want 12", len(all))
		}
		slices.Reverse(all)
		for before, i := uint64(0), 0; i < len(all); i += 5 {
			page, err := w.app.Service().Notices(w.t.Context(), w.account, 0, before, 5)
			if err != nil || len(page) != min(5, len(all)-i) {
				t.Fatalf("a page of %d, %v", len(page), err)
			}
			for j, n := range page {
				if n.Sequence != all[i+j].Sequence || n.Webhook != all[i+j].Webhook || n.Kind != all[i+j].Kind {
					t.Errorf("place %d is %+v, want %+v", i+j, n, all[i+j])
				}
			}
			before = page[len(page)-1].Sequence
		}
	})
}
