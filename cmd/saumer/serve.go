package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/alecthomas/kong"
	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/config"
)

type serveCommand struct {
	config.Serve `embed:""`
}

// Run serves until ctx ends, then stops gracefully.
func (c *serveCommand) Run(ctx context.Context, std streams, args arguments, parsed *kong.Context) error {
	o, err := c.Options()
	if err != nil {
		return usageError{err}
	}
	o.Version = version()
	level := zap.NewAtomicLevelAt(c.LogLevel)
	o.Log = newLog(std.err, level)
	defer func() { _ = o.Log.Sync() }() // A terminal cannot be synced, and says so.
	a, err := app.New(ctx, o)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // It was told to stop before it had begun.
	}
	if err != nil {
		return err
	}
	name, password, _ := a.FirstAccount()
	g := greeting{
		Program: program(), Version: o.Version,
		HTTP: a.HTTP(), NATS: a.NATS(), Data: o.Data,
		Account: name, Password: password, Given: o.Password != "",
		Allowed: o.AllowCIDRs, Assumed: c.Trial(), TLS: o.TLSCert != "",
		SharedKey: c.Embedded() || o.SecretKey != nil,
	}
	if err := g.print(std.out); err != nil {
		return fmt.Errorf("print how to begin: %w", err)
	}
	settings, err := config.Settings(parsed)
	if err != nil {
		return err
	}
	r := reload{args: args, std: std, level: level, take: func(o app.Options) { a.Limit(o.Limits) }, log: o.Log.Named("config"), settings: settings}
	stop := r.atEach(ctx, syscall.SIGHUP)
	err = a.Run(ctx)
	stop()
	if err != nil {
		return err
	}
	_, err = io.WriteString(std.out, "Stopped.\n")
	return err
}
