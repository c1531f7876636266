// Package metrics tells Prometheus how a process does: what it delivers, how far it is behind, and what waits.
package metrics

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// Stream is the stream of events and the live path's place in it; *broker.Broker tells both.
type Stream interface {
	Bounds(ctx context.Context) (broker.Bounds, error)
	Progress(ctx context.Context) (broker.Progress, error)
	Event(ctx context.Context, seq uint64) (event.Event, error)
}

var _ Stream = (*broker.Broker)(nil)

// Backlogs are what waits; replay.Store walks over it.
type Backlogs interface {
	Walk(ctx context.Context, each func(key string, r backlog.Record, err error) error) error
}

// Options are what the metrics are of. All are needed.
type Options struct {
	Stream   Stream
	Backlogs Backlogs
	// Ready says why events cannot be accepted or delivered at the moment, or nil.
	Ready func(context.Context) error
	// Outage says since when our own network seems to be down for this process; false if it does not.
	Outage func() (since time.Time, down bool)
	// InFlight bounds the attempts in flight of the process.
	InFlight int
	// Now is the time of the stream.
	Now     func() time.Time
	Version string
	Log     *zap.Logger
}

// Metrics are those of one process. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	attempts *prometheus.CounterVec
	duration *prometheus.HistogramVec
	age      prometheus.Histogram
	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
}

// buckets are the classic ones of what takes between a millisecond and a minute.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// New makes the metrics. What NATS knows is asked when somebody asks for them.
func New(o Options) *Metrics {
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saumer_attempts_total", Help: "Attempts that ended, by outcome, and by whether they were a replay.",
		}, []string{"outcome", "replay"}),
		duration: prometheus.NewHistogramVec(histogram("saumer_attempt_duration_seconds", "How long attempts took, by whether the endpoint took the event."), []string{"delivered"}),
		age:      prometheus.NewHistogram(histogram("saumer_delivery_age_seconds", "Time from an event's publication to its delivery, without replays.")),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "saumer_attempts_in_flight", Help: "Attempts under way."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saumer_http_requests_total", Help: "Requests of the API and the console that were answered, by status and method.",
		}, []string{"code", "method"}),
	}
	for _, outcome := range delivery.Outcomes {
		for _, replay := range []string{"true", "false"} {
			m.attempts.WithLabelValues(string(outcome), replay) // what has not happened is a zero, and not a gap
		}
	}
	for _, delivered := range []string{"true", "false"} {
		m.duration.WithLabelValues(delivered)
	}
	limit := prometheus.NewGauge(prometheus.GaugeOpts{Name: "saumer_attempts_in_flight_limit", Help: "The most attempts that this process has under way."})
	limit.Set(float64(o.InFlight))
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "saumer_build_info", Help: "1, with the version as a label.", ConstLabels: prometheus.Labels{"version": o.Version, "go": goVersion()},
	})
	build.Set(1)
	m.registry.MustRegister(m.attempts, m.duration, m.age, m.inFlight, m.requests, limit, build, newState(o),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return ""
}

// Handler serves the metrics to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: scrapeTime + time.Second})
}

// Requests counts the requests that a handler answers.
func (m *Metrics) Requests(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerCounter(m.requests, next)
}

// Sender is a sender whose attempts are measured.
type Sender struct {
	*delivery.Sender
	metrics *Metrics
}

// Sender measures the attempts of a sender.
func (m *Metrics) Sender(s *delivery.Sender) Sender { return Sender{s, m} }

// Attempt is delivery.Sender's.
func (s Sender) Attempt(ctx context.Context, t delivery.Target, r delivery.Request) delivery.Attempt {
	m := s.metrics
	m.inFlight.Inc()
	a := s.Sender.Attempt(ctx, t, r)
	m.inFlight.Dec()
	replay, delivered := "false", "false"
	if a.Replay {
		replay = "true"
	}
	if a.Outcome == delivery.Delivered {
		delivered = "true"
		if !a.Replay && !r.Published.IsZero() {
			m.age.Observe(max(a.At.Add(a.Duration).Sub(r.Published), 0).Seconds())
		}
	}
	m.attempts.WithLabelValues(string(a.Outcome), replay).Inc()
	if a.Outcome != delivery.Aborted {
		m.duration.WithLabelValues(delivered).Observe(a.Duration.Seconds())
	}
	return a
}
