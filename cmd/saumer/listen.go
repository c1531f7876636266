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

	Create    string `help:"Make a webhook for this event that leads here, and delete it at the end." placeholder:"EVENT"`
	CreateURL string `name:"create-url" help:"Where Saumer reaches this receiver. Default: at the address it listens on." placeholder:"URL"`
	apiLogin  `embed:""`
}

// Run receives until ctx ends.
func (c *listenCommand) Run(ctx context.Context, std streams) error {
	if c.Status < 200 || c.Status > 599 {
		return usageError{fmt.Errorf("--status %d is no status to answer with: choose one from 200 to 599", c.Status)}
	}
	r := &receiver{Status: c.Status, Delay: c.Delay, Body: c.Body, Verbose: c.Verbose, Out: std.out}
	if c.Secret != "" && c.Create != "" {
		return usageError{errors.New("--secret and --create: a new webhook has a secret of its own; give one of the two")}
	}
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
	remove := func() error { return nil }
	if c.Create != "" {
		if remove, err = c.create(ctx, std, r, listener.Addr().String()); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	if _, err := fmt.Fprintf(std.out, "receiving on http://%s/, answering %d; end with ctrl-c\n", reachable(listener.Addr().String()), c.Status); err != nil {
		return errors.Join(err, remove(), listener.Close())
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	// Deliveries are taken until the webhook is gone.
	return serveUntil(ctx, server, listener, remove)
}

// create makes a webhook that leads to the receiver, which verifies with its secret, and returns what deletes it.
func (c *listenCommand) create(ctx context.Context, std streams, r *receiver, address string) (remove func() error, err error) {
	target := c.CreateURL
	if target == "" {
		target = "http://" + reachable(address) + "/"
	}
	var made struct {
		ID     uint64
		Secret string
	}
	body := map[string]string{"app": "saumer listen", "event": c.Create, "url": target}
	if err := c.ask(ctx, std, http.MethodPost, "/v1/webhooks", body, &made); err != nil {
		return nil, err
	}
	remove = func() error {
		return c.ask(context.WithoutCancel(ctx), std, http.MethodDelete, webhookID{made.ID}.path(), nil, nil)
	}
	if r.Secret, err = standardwebhooks.NewWebhook(made.Secret); err != nil {
		return nil, errors.Join(err, remove())
	}
	if _, err = fmt.Fprintf(std.out, "made the webhook %d for %s to %s, which is deleted at the end\n", made.ID, c.Create, target); err != nil {
		return nil, errors.Join(err, remove())
	}
	return remove, nil
}

// serveUntil serves until ctx ends, does what is to be done last, and lets what is under way finish for a moment.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener, last func() error) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("serve on %s: %w", listener.Addr(), err), last())
	case <-ctx.Done():
	}
	err := last()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		err = errors.Join(err, server.Close())
	}
	<-served
	return err
}
