package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/config"
	"github.com/saumer/saumer/defaults"
)

// demoLimit bounds the whole demo; it takes about half of it.
const demoLimit = 90 * time.Second

type demoCommand struct{}

// Run tells the story on a Saumer of its own, in a temporary directory and on free ports. It says what it sees: what
// the API answers, what the receiver gets and what the log says. It fails if an event is missing at the end.
func (demoCommand) Run(ctx context.Context, std streams) (err error) {
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "saumer-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &story{narrator: &narrator{out: std.out, start: time.Now()}, password: rand.Text()}
	a, err := app.New(ctx, demoOptions(dir, s.password, s.log()))
	if err != nil {
		return err
	}
	return alongside(ctx, a.Run, func(ctx context.Context) error {
		select {
		case <-a.Ready():
		case <-ctx.Done():
			return fmt.Errorf("wait for Saumer to be ready: %w", context.Cause(ctx))
		}
		return s.with(ctx, a)
	})
}

// alongside runs do while serve runs, then stops serve. It returns the errors of both.
func alongside(ctx context.Context, serve, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	served := make(chan error, 1)
	go func() {
		err := serve(ctx)
		cancel(errors.New("saumer stopped in the middle of the demo"))
		served <- err
	}()
	err := do(ctx)
	cancel(nil)
	return errors.Join(err, <-served)
}

// demoOptions are the defaults with shortened times.
func demoOptions(dir, password string, log *zap.Logger) app.Options {
	o := app.Defaults()
	o.HTTP, o.NATSListen, o.Data = "127.0.0.1:0", "127.0.0.1:0", dir
	o.Account, o.Password = defaults.Account, password
	o.AllowCIDRs = config.Loopback
	o.Timeout, o.ConnectTimeout = 5*time.Second, time.Second
	o.MaxInFlight = 1 // one attempt at a time keeps the events in order
	o.BackoffInitial, o.BackoffMax = 200*time.Millisecond, 2*time.Second
	o.FailingAfter = 2 * time.Second
	o.DeactivateAfter, o.DeactivateAttempts = 6*time.Second, 4
	o.ReplayWindow, o.Retention = time.Hour, 2*time.Hour
	o.Grace = 5 * time.Second
	o.Version, o.Log = version(), log
	return o
}

// with connects to the running Saumer as an integration and as a publisher do, and tells the story.
func (s *story) with(ctx context.Context, a *app.App) error {
	s.account, _, _ = a.FirstAccount()
	s.service = &webService{base: "http://" + a.HTTP(), account: s.account, password: s.password}
	nc, err := nats.Connect(a.NATS(), nats.Name("saumer demo"), nats.Timeout(connecting), nats.UserInfo(s.account, s.password))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", a.NATS(), err)
	}
	defer nc.Close()
	if s.publisher, err = jetstream.New(nc); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	// This is not how people get notices, but it shows that they are there.
	_, err = nc.Subscribe("notices."+s.account+".>", func(m *nats.Msg) { s.say("notice: %s  %.300s", m.Subject, m.Data) })
	if err != nil {
		return fmt.Errorf("subscribe to the notices: %w", err)
	}
	s.say("Saumer runs: API at http://%s, publishers at %s", a.HTTP(), a.NATS())
	return s.tell(ctx)
}

// narrator prints what is seen, with the time since the start. It is safe for concurrent use.
type narrator struct {
	start time.Time
	mu    sync.Mutex
	out   io.Writer
}

func (n *narrator) say(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "%6.1fs  %s\n", time.Since(n.start).Seconds(), fmt.Sprintf(format, args...))
}

// chapter prints a heading.
func (n *narrator) chapter(title string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "\n%s\n", title)
}

// log is a logger whose warnings are told.
func (n *narrator) log() *zap.Logger {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.WarnLevel)
	return zap.New(core, zap.Hooks(func(e zapcore.Entry) error {
		n.say("log: %s  %s", e.LoggerName, e.Message)
		return nil
	}))
}
