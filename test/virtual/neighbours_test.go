package virtual

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// The accounts of these stories: what one has is not to keep the other waiting.
const quiet, crowd = "quiet", "crowd"

// createFor makes a webhook of an account.
func (w *world) createFor(account, path string, s registry.Settings) uint64 {
	w.t.Helper()
	created, _, err := w.app.Service().Create(w.t.Context(), registry.Account{Name: account}, api.CreateInput{
		App: "tourism", Event: optin, URL: "http://receiver.example/" + path, Settings: s,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return created.ID
}

// flood publishes events for an account, whose bodies are its name and the numbers [from, to).
func (w *world) flood(account string, from, to int) {
	w.t.Helper()
	js, err := jetstream.New(w.app.Broker().JetStream.Conn(), jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := from; i < to; i++ {
		body := strconv.Quote(account + " " + strconv.Itoa(i))
		if _, err := js.PublishAsync(event.Subject(account, optin), []byte(body), jetstream.WithStallWait(time.Minute)); err != nil {
			w.t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

// has says how many events of an account have come, each of them once.
func (w *world) has(account string) int {
	w.t.Helper()
	seen := map[string]bool{}
	for _, body := range w.receiver.bodies() {
		if strings.HasPrefix(body, `"`+account+" ") {
			if seen[body] {
				w.t.Errorf("%s came twice", body)
			}
			seen[body] = true
		}
	}
	return len(seen)
}

// waits publishes an event of the quiet account now and then, and says how long the slowest of them took.
func (w *world) waits(events int, every time.Duration) time.Duration {
	w.t.Helper()
	const step, most = 5 * time.Millisecond, 2 * time.Minute
	longest := time.Duration(0)
	before := w.has(quiet)
	for i := range events {
		published := time.Now()
		w.flood(quiet, before+i, before+i+1)
		for w.has(quiet) <= before+i {
			if time.Since(published) > most {
				w.t.Fatalf("an event of the quiet account has waited for %v", most)
			}
			time.Sleep(step)
		}
		longest = max(longest, time.Since(published))
		time.Sleep(every)
	}
	return longest
}

// seen is what people see of a webhook, by account.
func (w *world) seen(account string, id uint64) replay.Status {
	w.t.Helper()
	found, err := w.app.Service().Get(w.t.Context(), registry.Account{Name: account}, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Status
}

// promptly is what an event of the quiet account may take.
const promptly = 50 * time.Millisecond

// A burst for a webhook that is well, and takes 640 events a second, keeps no other account waiting. It is caught up on, and
// nothing says that the webhook fails.
func TestABusyAccountKeepsNoOtherWaiting(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		const events = 10_000
		w.receiver.takes = func(path string) time.Duration {
			if path == "/"+crowd {
				return 50 * time.Millisecond
			}
			return 0
		}
		id := w.createFor(crowd, crowd, registry.Settings{})
		w.createFor(quiet, quiet, registry.Settings{})
		w.flood(crowd, 0, events)
		if took := w.waits(50, 100*time.Millisecond); took > promptly {
			t.Errorf("an event of the quiet account took %v", took)
		}
		if n := w.has(crowd); n == events {
			t.Error("the busy account has all its events already")
		}
		if s := w.seen(crowd, id); s.State != replay.Lagging || !s.FailingSince.IsZero() || s.LastError != "" {
			t.Errorf("while it catches up: %+v", s)
		}
		for began := time.Now(); w.has(crowd) < events; time.Sleep(10 * time.Millisecond) {
			if s := w.seen(crowd, id); !s.FailingSince.IsZero() || s.LastError != "" || time.Since(began) > time.Minute {
				t.Fatalf("with %d of %d events: %+v", w.has(crowd), events, s)
			}
		}
		w.pass(time.Second)
		if s := w.seen(crowd, id); s.State != replay.Live || s.Lag != 0 {
			t.Errorf("a second after the last event: %+v", s)
		}
	})
}

// Endpoints of one tenant that hang, with the largest settings, keep no other account waiting: neither while their attempts are
// under way nor when these end.
func TestATenantThatHangsKeepsNoOtherWaiting(t *testing.T) {
	for webhooks, events := range map[int]int{6: 6000, 100: 2000} {
		t.Run(fmt.Sprint(webhooks), func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.receiver.takes = func(path string) time.Duration {
					if path == "/"+crowd {
						return time.Hour
					}
					return 0
				}
				for range webhooks {
					w.createFor(crowd, crowd, registry.Settings{MaxInFlight: 1000, Timeout: time.Minute})
				}
				w.createFor(quiet, quiet, registry.Settings{})
				w.flood(crowd, 0, events)
				if took := w.waits(70, time.Second); took > promptly {
					t.Errorf("an event of the quiet account took %v", took)
				}
			})
		})
	}
}

// What is published for a webhook that its backlog serves is not the live path's to look at: what is no JSON is moved out of the
// stream by the backlog, and holds up nothing.
func TestABacklogMovesWhatIsNoJSON(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.receiver.goes(true)
		w.publish(0, 1)
		w.pass(10 * time.Second)
		if _, err := w.app.Broker().JetStream.Publish(w.t.Context(), event.Subject(account, optin), []byte("{")); err != nil {
			t.Fatal(err)
		}
		w.publish(1, 3)
		w.receiver.goes(false)
		w.pass(time.Hour)
		w.got([2]int{0, 3})
		if s := w.status(id); s.State != replay.Live || s.Lag != 0 {
			t.Errorf("in the end: %+v", s)
		}
		stream, err := w.app.Broker().JetStream.Stream(w.t.Context(), "REJECTED")
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n != 1 {
			t.Errorf("%d messages are rejected, want 1", n)
		}
	})
}
