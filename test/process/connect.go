package process

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// connecting bounds a connection, with the check of its login.
const connecting = 30 * time.Second

// Connect connects to NATS. A login by password costs the server a hash, which takes seconds with the race detector on a busy
// machine: nats.go gives it two, and the server sends a ping after two, which nats.go takes for a wrong answer. Then it is
// tried again, and the server knows what came of the hash.
func Connect(url string, options ...nats.Option) (*nats.Conn, error) {
	options = append([]nats.Option{nats.Timeout(10 * time.Second)}, options...)
	for deadline := time.Now().Add(connecting); ; {
		nc, err := nats.Connect(url, options...)
		if err == nil || errors.Is(err, nats.ErrAuthorization) || time.Now().After(deadline) {
			return nc, err
		}
	}
}
