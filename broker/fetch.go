package broker

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Waiting are the options of a fetch that waits for at most a time. One of ten seconds or more asks for three heartbeats in
// its time, rather than for one every five seconds as jetstream does.
func Waiting(wait time.Duration) []jetstream.FetchOpt {
	const long, heartbeats = 10 * time.Second, 3
	options := []jetstream.FetchOpt{jetstream.FetchMaxWait(wait)}
	if wait >= long {
		options = append(options, jetstream.FetchHeartbeat(wait/heartbeats))
	}
	return options
}
