package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Hooks are webhooks that lead to one kind of endpoint.
type Hooks struct {
	// Count is how many, and First the number of the first, which is its id as well, less one.
	First, Count int
	// Accounts is among how many accounts they are spread, in turn.
	Accounts int
	// URL is what they lead to, without the number of each among these at its end.
	URL string
	// MaxInFlight bounds the attempts to each; 0 is the default.
	MaxInFlight int
	// Passed has the live path pass over all of their events.
	Passed bool
}

// account is the name of an account by its number.
func account(number int) string { return "a" + strconv.Itoa(number) }

func newPublisher(nc *nats.Conn) (jetstream.JetStream, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(published))
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return js, nil
}

// Seed writes webhooks into the journal, before the node runs: making a hundred thousand of them by the API is not what
// is measured.
func (n *Node) Seed(all []Hooks, _ *None) error {
	sealer, err := registry.NewSealer(n.options.Key)
	if err != nil {
		return err
	}
	js, err := newPublisher(n.app.Broker().JetStream.Conn())
	if err != nil {
		return err
	}
	bounds, err := n.app.Broker().Bounds(context.Background())
	if err != nil {
		return err
	}
	for _, h := range all {
		for i := h.First; i < h.First+h.Count; i++ {
			w := registry.Webhook{
				ID: uint64(i) + 1, Account: account(i % h.Accounts), App: "bench", Event: eventName,
				URL: h.URL + strconv.Itoa(i-h.First), Created: time.Now().UTC(), Active: true,
				Ranges: []registry.Range{registry.NewRange(bounds)}, Settings: registry.Settings{MaxInFlight: h.MaxInFlight},
			}
			if h.Passed {
				w.Ranges[0].To = event.End{Seq: math.MaxInt64, AsOf: time.Now().Add(24 * time.Hour)}
			}
			w.Secrets = []string{sealer.Seal(delivery.NewSecret(), w.Key())}
			data, err := registry.EncodeWebhook(&w)
			if err != nil {
				return fmt.Errorf("seed webhook %s: %w", w.Key(), err)
			}
			if _, err := js.PublishAsync(n.app.Broker().Webhooks.Subject(w.Key()), data, jetstream.WithStallWait(patience)); err != nil {
				return fmt.Errorf("seed webhook %s: %w", w.Key(), err)
			}
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-time.After(patience):
		return errors.New("seed webhooks: NATS does not answer")
	}
}

// Make makes webhooks as people do, while the node runs. They get the next ids.
func (n *Node) Make(h Hooks, _ *None) error {
	for i := range h.Count {
		_, _, err := n.app.Service().Create(context.Background(), registry.Account{Name: account(i % h.Accounts)}, api.CreateInput{
			App: "bench", Event: eventName, URL: h.URL + strconv.Itoa(i), Settings: registry.Settings{MaxInFlight: h.MaxInFlight},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// publishAt publishes from this process, at a rate, as platforms do: each account over a connection of its own.
func publishAt(ctx context.Context, address string, l Load, rate int) error {
	connections := make([]*nats.Conn, l.Accounts)
	for i := range connections {
		nc, err := nats.Connect(address, nats.Name("saumer bench"), nats.UserInfo(account(l.First+i), secret))
		if err != nil {
			return fmt.Errorf("connect to %s: %w", address, err)
		}
		defer nc.Close()
		connections[i] = nc
	}
	return publish(ctx, connections, l, rate)
}

// secret lets publishers in: what logins cost is not measured.
const secret = "bench"

type gate struct{}

func (gate) MayPublish(_ context.Context, _, given, _ string) (bool, error) {
	return given == secret, nil
}
