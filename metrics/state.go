package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
)

const (
	// scrapeTime bounds what is asked of NATS for one scrape.
	scrapeTime = 5 * time.Second
	// walkEvery is how long a count of the backlogs holds: reading many of them costs.
	walkEvery = 15 * time.Second
)

var (
	ready   = desc("saumer_ready", "1 if events can be accepted and delivered, as /readyz says.")
	network = desc("saumer_network_down", "1 if our own network seems to be down for this process: hosts that answered until then fail all at once.")
	first   = desc("saumer_stream_first_sequence", "Sequence of the oldest event in the stream.")
	last    = desc("saumer_stream_last_sequence", "Sequence of the newest event in the stream.")
	// behind counts events that the live path has not been handed yet.
	behind        = desc("saumer_live_path_behind_events", "Events that the live path of all processes has not come to.")
	behindSeconds = desc("saumer_live_path_behind_seconds", "Age of the oldest event that the live path has not come to.")
	unfinished    = desc("saumer_live_path_unacknowledged_events", "Events from the oldest one that is not acknowledged to the newest one that was handed out.")
	backlogs      = desc("saumer_backlogs", "Webhooks that have something outstanding, by the state of their backlog.", "state")
	waiting       = desc("saumer_backlog_waiting_events", "Events that wait by themselves in backlogs: handed over, or rejected and to be tried again. Those that wait in the stream are not in it.")
	unreadable    = desc("saumer_backlogs_unreadable", "Backlogs that this version cannot read.")
	failing       = desc("saumer_backlog_failing_seconds", "For how long the endpoint that has failed the longest, and is still tried, has.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// state asks NATS how things stand. What cannot be told is left out, so that nothing looks well that is not known to be.
type state struct {
	o Options

	mu     sync.Mutex
	walked time.Time
	last   census
}

// census is a count of the backlogs.
type census struct {
	states              map[backlog.State]int
	waiting, unreadable int
	failing             time.Time
}

var _ prometheus.Collector = (*state)(nil)

func newState(o Options) *state { return &state{o: o} }

// Describe names what Collect sends.
func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ready, network, first, last, behind, behindSeconds, unfinished, backlogs, waiting, unreadable, failing} {
		to <- d
	}
}

// Collect asks, and sends what it is told within the time.
func (s *state) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	if s.o.Ready(ctx) == nil {
		send(ready, 1)
	} else {
		send(ready, 0)
	}
	if _, down := s.o.Outage(); down {
		send(network, 1)
	} else {
		send(network, 0)
	}
	bounds, err := s.o.Stream.Bounds(ctx)
	progress, also := s.o.Stream.Progress(ctx)
	if err = errors.Join(err, also); err != nil {
		s.o.Log.Debug("the stream did not say how it stands", zap.Error(err))
	} else {
		s.place(ctx, send, bounds, progress)
	}
	c, err := s.census(ctx)
	if err != nil {
		s.o.Log.Debug("the backlogs were not counted", zap.Error(err))
		return
	}
	for _, name := range []backlog.State{backlog.Retrying, backlog.Leaving, backlog.CatchingUp, backlog.Parked} {
		send(backlogs, float64(c.states[name]), string(name))
	}
	send(waiting, float64(c.waiting))
	send(unreadable, float64(c.unreadable))
	if c.failing.IsZero() {
		send(failing, 0)
	} else {
		send(failing, s.o.Now().Sub(c.failing).Seconds())
	}
}

// place says where the live path stands.
func (s *state) place(ctx context.Context, send func(*prometheus.Desc, float64, ...string), b broker.Bounds, p broker.Progress) {
	send(first, float64(b.First))
	send(last, float64(b.Last.Seq))
	send(unfinished, float64(max(p.HandedOut, p.AckFloor)-p.AckFloor))
	if p.HandedOut >= b.Last.Seq {
		send(behind, 0)
		send(behindSeconds, 0)
		return
	}
	send(behind, float64(b.Last.Seq-p.HandedOut))
	oldest := b.Last.Time
	if e, err := s.o.Stream.Event(ctx, max(p.HandedOut+1, b.First)); err == nil {
		oldest = e.Time
	}
	send(behindSeconds, max(s.o.Now().Sub(oldest), 0).Seconds())
}

// census counts the backlogs, or returns the last count if that is fresh.
func (s *state) census(ctx context.Context) (census, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.walked) < walkEvery {
		return s.last, nil
	}
	c := census{states: map[backlog.State]int{}}
	err := s.o.Backlogs.Walk(ctx, func(_ string, r backlog.Record, err error) error {
		if err != nil {
			c.unreadable++
			return nil
		}
		c.states[r.State]++
		c.waiting += len(r.Pending) + len(r.Retries)
		if since := r.Health.Since; r.State != backlog.Parked && !since.IsZero() && (c.failing.IsZero() || since.Before(c.failing)) {
			c.failing = since
		}
		return nil
	})
	if err == nil {
		s.last, s.walked = c, time.Now()
	}
	return c, err
}
