package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// diskSync is how often the NATS of these worlds have the disk write what they store: what a loss of power may cost.
const diskSync = 3 * time.Second

// newGround is a cluster whose NATS and Redis themselves are made to lose, refuse and forget.
func newGround(t *testing.T, rng *rand.Rand) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), sync: diskSync.String(), users: map[string]string{working: "w", publishing: "p"}}
	return w.begin(t, rng)
}

// groundTroubles are what happens to NATS and Redis below a cluster of workers. Some lose what cannot be had again, and come last.
func groundTroubles() []trouble {
	return concat(loginTroubles(), storeTroubles(), evictTroubles(), removeTroubles())
}

// embeddedGroundTroubles are what happens to the disk, the files and the streams of a process with everything embedded.
func embeddedGroundTroubles() []trouble { return concat(limitTroubles(), restoreTroubles()) }

// account finds out which of the accepted events NATS has lost, so that nobody waits for them, and returns how many those are.
func (w *world) account() (lost int) {
	w.t.Helper()
	count := w.pub.count()
	held := map[int]bool{}
	w.retry("read what the stream holds", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		stream, err := w.pub.js.Stream(ctx, "EVENTS")
		if err != nil {
			return err
		}
		consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
		if err != nil {
			return err
		}
		for read, last := uint64(0), stream.CachedInfo().State.LastSeq; read < last; {
			m, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
			if err != nil {
				return err
			}
			place, err := m.Metadata()
			if err != nil {
				return err
			}
			read = place.Sequence.Stream
			if n, err := strconv.Atoi(strings.TrimSpace(string(m.Data()))); err == nil {
				held[n] = true
			}
		}
		return nil
	})
	for n := range count {
		if !held[n] && !w.gone[n] {
			w.gone[n] = true
			lost++
		}
	}
	return lost
}

// current waits until every NATS has caught up with all that it has a part of, so that another one may fail.
func (w *world) current() {
	w.t.Helper()
	w.retry("see every NATS healthy", func() error {
		for _, n := range w.nats {
			if !n.Healthy() {
				return fmt.Errorf("%s is not", n.Name)
			}
		}
		return nil
	})
}

// lead has a NATS lead the stream of events.
func (w *world) lead(i int) {
	w.t.Helper()
	name := w.nats[i].Name
	w.retry("have "+name+" lead the stream of events", func() error {
		if w.nats[w.leader()] == w.nats[i] {
			return nil
		}
		request := fmt.Sprintf(`{"placement":{"preferred":%q}}`, name)
		if _, err := w.pub.nc.Request("$JS.API.STREAM.LEADER.STEPDOWN.EVENTS", []byte(request), 5*time.Second); err != nil {
			return err
		}
		return errors.New("it does not lead yet")
	})
}
