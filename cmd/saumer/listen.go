package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type listenCommand struct {
	Addr    string        `help:"Address to receive on." default:"127.0.0.1:9000"`
	Secret  string        `help:"Secret of the webhook, to verify signatures with." placeholder:"whsec_..." env:"SAUMER_SECRET"`
	Status  int           `help:"Status to answer with: 503 to be down, 410 to end the deliveries." default:"200"`
	Delay   time.Duration `help:"How long to wait before answering." default:"0s"`
	Body    string        `help:"Body to answer with."`
	Verbose bool          `short:"v" help:"Print the body of every delivery, indented."`
}

// Run receives until ctx ends.
func (c *listenCommand) Run(ctx context.Context, std streams) error {
	if c.Status < 200 || c.Status > 599 {
		return usageError{fmt.Errorf("--status %d is no status to answer with: choose one from 200 to 599", c.Status)}
	}
	r := &receiver{Status: c.Status, Delay: c.Delay, Body: c.Body, Verbose: c.Verbose, Out: std.out}
	if c.Secret != "" {
		var err error
		if r.Secret, err = standardwebhooks.NewWebhook(c.Secret); err != nil {
			return usageError{errors.New("--secret is not a webhook's secret: copy the whsec_ text that CreateWebHook answered")}
		}
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another with --addr", c.Addr, err)
	}
	if _, err := fmt.Fprintf(std.out, "receiving on http://%s/, answering %d; end with ctrl-c\n", reachable(listener.Addr().String()), c.Status); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	return serveUntil(ctx, server, listener)
}

// serveUntil serves until ctx ends, and then lets what is under way finish for a moment.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		err = server.Close()
		<-served
		return err
	}
	<-served
	return nil
}
