package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/consumer"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/metrics"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/runner"
)

// sender makes attempts, measured or not.
type sender interface {
	consumer.Sender
	runner.Sender
	api.Tester
}

var (
	_ sender = (*delivery.Sender)(nil)
	_ sender = metrics.Sender{}
)

// openMetrics listens for those who ask for metrics, and makes these, if the options say so.
func (a *App) openMetrics() (err error) {
	o := a.options
	if o.Metrics == "" {
		return nil
	}
	if a.metricsListener, err = net.Listen("tcp", o.Metrics); err != nil {
		return fmt.Errorf("listen on %s for the metrics: %w; choose another with --metrics", o.Metrics, err)
	}
	a.closing(func() error {
		if err := a.metricsListener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	a.metrics = metrics.New(metrics.Options{
		Stream: a.broker, Backlogs: replay.NewStore(a.broker), Ready: a.check, Outage: func() (time.Time, bool) { return a.network() }, InFlight: delivery.InFlight(defaults.InFlight, delivery.OpenFiles()), Now: a.broker.Now,
		Version: o.Version, Log: o.Log.Named("metrics"),
	})
	return nil
}

// profiling is how long a profile may take, beside the time for its answer.
const profiling = 5 * time.Minute

// serveMetrics serves them until the context ends.
func (a *App) serveMetrics(ctx context.Context, group *errgroup.Group) {
	if a.metrics == nil {
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	if a.options.Profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: profiling}
	group.Go(func() error {
		if err := server.Serve(a.metricsListener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the metrics: %w", err)
		}
		return nil
	})
	group.Go(func() error { <-ctx.Done(); return server.Close() })
}

// Metrics is the address of the metrics, empty if none are served.
func (a *App) Metrics() string {
	if a.metricsListener == nil {
		return ""
	}
	return a.metricsListener.Addr().String()
}
