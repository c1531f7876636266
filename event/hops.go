package event

import (
	"context"
	"strconv"

	"github.com/nats-io/nats.go"
)

// HopsHeader says, of a delivery and of a stored event, how many times what it tells of went out to a webhook: a delivery bears
// one more than its event. Whoever publishes an event because of a delivery passes the header on, over HTTP and NATS alike.
const HopsHeader = "Saumer-Hops"

// MaxHops is the most of an event that is published over HTTP: chains of platforms are shorter, and what has more goes round.
const MaxHops = 4

// hopsKey is the key of a context's hops.
type hopsKey struct{}

// WithHops has Publish store an event with these hops, which the delivery bore that it is published because of.
func WithHops(ctx context.Context, hops int) context.Context {
	return context.WithValue(ctx, hopsKey{}, hops)
}

// setHops notes the hops of a context in the header of an event that is to be stored.
func setHops(ctx context.Context, header nats.Header) {
	if hops, _ := ctx.Value(hopsKey{}).(int); hops > 0 {
		header.Set(HopsHeader, strconv.Itoa(hops))
	}
}

// hopsOf are those of a stored event; what is no number is none.
func hopsOf(header nats.Header) int {
	hops, err := strconv.ParseUint(header.Get(HopsHeader), 10, 16)
	if err != nil {
		return 0
	}
	return int(hops)
}
