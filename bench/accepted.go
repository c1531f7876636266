package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/saumer/saumer/defaults"
)

// Accept makes the receiver answer 202 to whatever comes to an address of its own, by net/http, once it has read it.
func (r *Receiver) Accept(_ None, at *string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	*at = l.Addr().String()
	r.keep(l)
	server := &http.Server{ReadHeaderTimeout: timeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	go func() { _ = server.Serve(l) }() // it ends with its listener
	return nil
}

// accepted measures how fast 64 clients publish events over HTTP, each one after the other, beside a bare server of net/http that
// answers 202 to the same clients.
func (b *Bench) accepted(ctx context.Context) (err error) {
	bare, err := ask[string](ctx, b.receiver, "Accept", None{})
	if err != nil {
		return err
	}
	node, _, err := b.startWith(ctx, NodeOptions{NATSURL: b.NATSURL, RedisURL: b.RedisURL, Serve: true})
	defer func() { err = errors.Join(err, node.end()) }()
	if err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, node, "Run", None{}); err != nil {
		return err
	}
	address, err := ask[string](ctx, node, "Address", None{})
	if err != nil {
		return err
	}
	events := b.size(50_000) / stretches
	took := map[string]time.Duration{}
	for range stretches {
		for _, to := range []string{bare, address} {
			posts := Posts{URL: "http://" + to + "/v1/events/" + eventName, Count: events, Login: defaults.Account, Status: http.StatusAccepted}
			began := time.Now()
			if _, err := ask[Usage](ctx, b.loop, "Post", posts); err != nil {
				return err
			}
			took[to] += time.Since(began)
		}
	}
	b.report.add(Row{Name: "T19", What: "events published over HTTP by 64 clients, to what a bare server answers", Target: 0.5, Least: true},
		took[bare].Seconds()/took[address].Seconds())
	b.report.add(Row{Name: "T19", What: "events published over HTTP a second", Unit: "/s"}, float64(stretches*events)/took[address].Seconds())
	return nil
}

// Address is that of the node's API.
func (n *Node) Address(_ None, at *string) error {
	*at = n.app.HTTP()
	return nil
}
