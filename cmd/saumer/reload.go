package main

import (
	"context"
	"os"
	"os/signal"
	"strings"

	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/config"
)

// reload takes in what can change while the process runs: the level of the log and the limits of accounts. (Certificates are
// taken in when their files change.) It says which of the other settings wait for a restart.
type reload struct {
	args     arguments
	std      streams
	level    zap.AtomicLevel
	take     func(app.Options) // takes in what can change while it runs
	log      *zap.Logger
	settings []config.Setting // those that the process runs with
}

// atEach reads the settings again at each signal until ctx ends or stop is called.
func (r *reload) atEach(ctx context.Context, s os.Signal) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, s)
	go func() {
		defer close(done)
		defer signal.Stop(signals)
		for {
			select {
			case <-signals:
				r.read()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// read reads them once. What cannot be used changes nothing.
func (r *reload) read() {
	serve, settings, err := r.parse()
	if err != nil {
		r.log.Error("the settings are not taken in: mend them and send SIGHUP again", zap.Error(err))
		return
	}
	o, err := serve.Options()
	if err != nil {
		r.log.Error("the settings are not taken in: mend them and send SIGHUP again", zap.Error(err))
		return
	}
	r.level.SetLevel(serve.LogLevel)
	r.take(o)
	var taken, waiting []string
	for i, s := range settings {
		switch {
		case s.Value == r.settings[i].Value:
		case s.Name == "log-level" || strings.HasPrefix(s.Name, "limit-"):
			taken = append(taken, s.Name)
			r.settings[i] = s
		default:
			waiting = append(waiting, s.Name)
		}
	}
	r.log.Info("the settings were read again", zap.Strings("settings", taken))
	if len(waiting) > 0 {
		r.log.Warn("settings that changed wait for a restart", zap.Strings("settings", waiting))
	}
}

// parse reads the command line again, with the file that it names as that is now.
func (r *reload) parse() (*config.Serve, []config.Setting, error) {
	var c commands
	parser, err := newParser(r.std, &c)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := parser.Parse(r.args)
	if err != nil {
		return nil, nil, err
	}
	settings, err := config.Settings(parsed)
	return &c.Serve.Serve, settings, err
}
