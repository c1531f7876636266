package virtual

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/defaults"
)

// A stop does not wait for a NATS that is away, and is no failure: what NATS did not take in comes again.
func TestStopWhileNATSIsAway(t *testing.T) {
	inWorld(t, func(o *app.Options) { o.Pull = defaults.Pull }, func(w *world) {
		w.create()
		w.publish(1, 3)
		w.pass(time.Second)
		w.got([2]int{1, 3})
		w.app.Broker().InProcess().(*server.Server).Shutdown()
		w.pass(5 * time.Second)
		began := time.Now()
		w.stop() // which fails the test if there is an error
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the stop took %v", took)
		}
		w.stop = func() {}
	})
}
