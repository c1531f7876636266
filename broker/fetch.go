package broker

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Waiting are the options of a fetch that waits for so long. One of ten seconds or more asks for three signs of life in
// its time, rather than for one every five seconds as jetstream does.
func Waiting(wait time.Duration) []jetstream.FetchOpt {
	const long, signs = 10 * time.Second, 3
	options := []jetstream.FetchOpt{jetstream.FetchMaxWait(wait)}
	if wait >= long {
		options = append(options, jetstream.FetchHeartbeat(wait/signs))
	}
	return options
}
