package virtual

import (
	"net/http"
	"testing"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/stats"
)

func (w *world) stats(span api.Span) stats.Series {
	w.t.Helper()
	s, err := w.app.Service().Stats(w.t.Context(), w.account, span)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// busy are the points in which something happened.
func busy(s stats.Series) []stats.Point {
	var points []stats.Point
	for _, p := range s.Points {
		if p.Delivered+p.Failed() > 0 {
			points = append(points, p)
		}
	}
	return points
}

// Deliveries, failures and a restart show in the statistics at their minutes, once each, and so they do hours later.
func TestStatisticsOutliveRestarts(t *testing.T) {
	// A stop reads its last fetch to the end, and takes no minute.
	alone(t, func(o *app.Options) { o.Pull = 10 * time.Second }, func(w *world) {
		id := w.create()
		// To half past a minute.
		w.pass(time.Until(time.Now().Truncate(time.Minute).Add(90 * time.Second)))
		began := time.Now().UTC().Truncate(time.Minute)
		w.publish(0, 10)
		w.pass(time.Second)
		if s := w.stats(api.Hour); s.Total.Delivered != 10 || s.Points[59].Delivered != 10 {
			t.Errorf("at once: %+v", s.Total)
		}
		// A test of the webhook is an attempt that is not counted.
		if a, err := w.app.Service().Test(w.t.Context(), w.account, id); err != nil || a.Outcome != delivery.Delivered {
			t.Fatal(a, err)
		}
		w.pass(time.Minute)
		w.receiver.answers(only("12", http.StatusNotFound))
		w.publish(10, 15)
		w.pass(500 * time.Millisecond)
		w.restart()
		w.publish(15, 20)
		w.pass(time.Minute)
		points := busy(w.stats(api.Hour))
		if len(points) < 2 {
			t.Fatalf("after the restart: %+v", points)
		}
		if p := points[0]; p.Delivered != 10 || p.Failed() != 0 || !p.At.Equal(began) {
			t.Errorf("the first minute is %+v", p)
		}
		if p := points[1]; p.Delivered != 9 || p.Rejected == 0 || p.Unreachable != 0 || !p.At.Equal(began.Add(time.Minute)) {
			t.Errorf("the second minute, with the restart, is %+v", p)
		}

		// The rejected event is taken in the end, and no endpoint is there for a while.
		w.receiver.answers(only("", 0))
		w.pass(20 * time.Minute)
		if s := w.stats(api.Hour).Total; s.Delivered != 20 || s.Unreachable != 0 || int(s.Delivered+s.Failed()) != w.receiver.tried()-1 {
			t.Errorf("after the rejected event was taken: %+v of %d attempts", s, w.receiver.tried()-1)
		}
		w.receiver.goes(true)
		w.publish(20, 21)
		w.pass(10 * time.Minute)
		w.receiver.goes(false)
		w.pass(20 * time.Minute)
		hour := w.stats(api.Hour)
		if s := hour.Total; s.Delivered != 21 || s.Unreachable < 3 || int(s.Delivered+s.Failed()) != w.receiver.tried()-1 {
			t.Errorf("after the outage: %+v of %d attempts", s, w.receiver.tried()-1)
		}

		w.pass(2 * time.Hour)
		w.restart()
		if s := w.stats(api.Hour); len(s.Points) != 60 || len(busy(s)) != 0 {
			t.Errorf("the last hour, in which nothing happened: %+v", busy(s))
		}
		day := w.stats(api.Day)
		total := hour.Total
		total.At = day.Total.At
		if day.Total != total {
			t.Errorf("two hours later the day is %+v, and the hour was %+v", day.Total, hour.Total)
		}
		if len(day.Points) != 144 || day.Step != 10*time.Minute || day.Total.At != day.Points[0].At || busy(day)[0].Delivered != 20 {
			t.Errorf("the day has %d points of %v: %+v", len(day.Points), day.Step, busy(day))
		}
		for i, p := range day.Points {
			if !p.At.Equal(day.Points[0].At.Add(time.Duration(i) * day.Step)) {
				t.Errorf("point %d of the day begins at %v", i, p.At)
			}
		}

		// Two days later nothing is left of them, and nothing grows.
		w.pass(50 * time.Hour)
		if s := w.stats(api.Day); len(busy(s)) != 0 {
			t.Errorf("two days later: %+v", busy(s))
		}
	})
}
