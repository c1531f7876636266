package process

import (
	"time"

	"github.com/nats-io/nats.go"
)

// Connect connects to NATS. A login by password costs the server a hash, which takes seconds with the race detector on a busy
// machine; nats.go gives it two.
func Connect(url string, options ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(url, append([]nats.Option{nats.Timeout(10 * time.Second)}, options...)...)
}
