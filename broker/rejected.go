package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/fault"
)

// Reject moves a message that cannot be delivered at all from EVENTS to REJECTED, with the reason. It is idempotent,
// so a crash in the middle is healed by the message's next delivery. That it leaves EVENTS keeps counts exact.
func (b *Broker) Reject(ctx context.Context, subject string, header nats.Header, data []byte, seq uint64, reason string) error {
	msg := &nats.Msg{Subject: "rejected." + subject, Data: data, Header: nats.Header{
		"Saumer-Reason":   {reason},
		"Saumer-Sequence": {strconv.FormatUint(seq, 10)},
		nats.MsgIdHdr:     {strconv.FormatUint(seq, 10)},
	}}
	if id := header.Get(nats.MsgIdHdr); id != "" {
		msg.Header.Set("Saumer-Event-Id", id)
	}
	if _, err := b.JetStream.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("store event %d in %s: %w", seq, streamRejected, err)
	}
	fault.At(fault.Rejected)
	if err := b.events.DeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return fmt.Errorf("remove event %d from %s: %w", seq, streamEvents, err)
	}
	return nil
}
