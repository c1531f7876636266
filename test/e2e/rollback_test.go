package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// jetStream is a way to the server's JetStream, until end is called.
func (n *natsServer) jetStream() (js jetstream.JetStream, end func()) {
	n.t.Helper()
	nc, err := nats.Connect(n.URL())
	if err != nil {
		n.t.Fatal(err)
	}
	if js, err = jetstream.New(nc); err != nil {
		n.t.Fatal(err)
	}
	return js, nc.Close
}

// stores publishes events with the bodies [from, to) at NATS itself, without ids.
func (n *natsServer) stores(from, to int) {
	n.t.Helper()
	js, end := n.jetStream()
	defer end()
	for i := from; i < to; i++ {
		if _, err := js.Publish(n.t.Context(), "events.demo.optin_finalized", []byte(strconv.Itoa(i))); err != nil {
			n.t.Fatal(err)
		}
	}
}

// NATS loses its newest events, as with the power or by a restored copy, and new ones get their numbers: each of these is
// delivered, by a process that lives on, to webhooks that were made before the loss.
func TestNATSGoesBack(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"all of it":       "jetstream",
		"the events only": filepath.Join("jetstream", "$G", "streams", "EVENTS"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, r, late := startNATS(t), receive(t), receive(t)
			s := serve(t, "--nats-url", n.URL(), "--data", t.TempDir(), "--allow-cidrs", "127.0.0.0/8", "--timeout", "2s")
			s.create(r.url())
			n.stores(0, 10)
			r.await(10)
			n.Stop()
			store, before := filepath.Join(n.Dir, part), filepath.Join(t.TempDir(), "before")
			if err := os.CopyFS(before, os.DirFS(store)); err != nil {
				t.Fatal(err)
			}
			n.start()
			n.stores(10, 20)
			r.await(20)
			keeps := part != "jetstream" // its webhook
			if keeps {
				s.create(late.url())
			}
			n.Kill()
			if err := os.RemoveAll(store); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(store, os.DirFS(before)); err != nil {
				t.Fatal(err)
			}
			n.start()
			n.stores(20, 35)
			twice := r.await(35)
			t.Logf("%d of 35 came twice", twice)
			if keeps {
				late.await(15)
			}
		})
	}
}
