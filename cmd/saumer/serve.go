package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/config"
)

type serveCommand struct {
	config.Serve `embed:""`
}

// Run serves until ctx ends, then stops gracefully.
func (c *serveCommand) Run(ctx context.Context, std streams) error {
	o, err := c.Options()
	if err != nil {
		return usageError{err}
	}
	o.Version = version()
	o.Log = newLog(std.err, c.LogLevel)
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
	if err := a.Run(ctx); err != nil {
		return err
	}
	_, err = io.WriteString(std.out, "Stopped.\n")
	return err
}
