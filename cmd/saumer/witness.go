package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// witness is the demo's receiver: it can go down and come up again at the same address, and remembers what it got.
// It is safe for concurrent use.
type witness struct {
	address string // empty before it was up

	mu         sync.Mutex
	server     *http.Server
	secret     *standardwebhooks.Webhook
	deliveries []received
}

// received is a delivery that the witness answered with 200.
type received struct {
	number           int // of the event, as the demo counts them
	replay, verified bool
}

var _ http.Handler = (*witness)(nil)

// up makes it listen, from the second time on at the address that it had.
func (w *witness) up() error {
	at := w.address
	if at == "" {
		at = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("let the receiver listen: %w", err)
	}
	w.address = listener.Addr().String()
	server := &http.Server{Handler: w, ReadHeaderTimeout: 5 * time.Second}
	w.mu.Lock()
	w.server = server
	w.mu.Unlock()
	// It ends by itself only if the listener breaks; then events are missing, and the demo says so.
	go func() { _ = server.Serve(listener) }()
	return nil
}

// down makes it refuse connections, and cuts those that are open. It is idempotent.
func (w *witness) down() error {
	w.mu.Lock()
	server := w.server
	w.server = nil
	w.mu.Unlock()
	if server == nil {
		return nil
	}
	return server.Close()
}

// verifyWith makes it check signatures from now on.
func (w *witness) verifyWith(secret string) error {
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return fmt.Errorf("use the secret of CreateWebHook: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secret = verifier
	return nil
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, request.Body, longestBody))
	var data struct {
		Number int `json:"number"`
	}
	if err != nil || json.Unmarshal(body, &data) != nil {
		http.Error(rw, "not an event of the demo", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliveries = append(w.deliveries, received{
		number:   data.Number,
		replay:   request.Header.Get("Saumer-Replay") != "",
		verified: w.secret != nil && w.secret.Verify(body, request.Header) == nil,
	})
}

// count is what it got so far, compared with the events 1 to published.
func (w *witness) count(published int) tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return tallyOf(w.deliveries, published)
}

// tally is what became of the events 1 to published.
type tally struct {
	published, delivered, duplicates, missing int
	late                                      int // first deliveries that came after a later event's
	replayed, verified                        int // deliveries that said they are a replay, and whose signature verifies
}

func tallyOf(deliveries []received, published int) tally {
	t := tally{published: published}
	seen := map[int]bool{}
	newest := 0
	for _, d := range deliveries {
		if d.replay {
			t.replayed++
		}
		if d.verified {
			t.verified++
		}
		if seen[d.number] {
			t.duplicates++
			continue
		}
		seen[d.number] = true
		if d.number < newest {
			t.late++
		}
		newest = max(newest, d.number)
	}
	for number := 1; number <= published; number++ {
		if !seen[number] {
			t.missing++
		}
	}
	t.delivered = published - t.missing
	return t
}
