package delivery_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/saumer/saumer/delivery"
)

// event is a body of the size that is measured with, key a secret.
var (
	event = bytes.Repeat([]byte("0"), 500)
	key   = bytes.Repeat([]byte("k"), 32)
)

// idleConns is enough for all that these tests have under way at once.
const idleConns = 100

// newClient makes a client that may dial the loopback.
func newClient(t testing.TB) *delivery.Client {
	c := delivery.NewClient(delivery.Options{
		Timeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: idleConns, Version: "test",
		AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	})
	t.Cleanup(c.Close)
	return c
}
