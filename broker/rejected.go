package broker

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/fault"
)

const (
	// longest is the longest subject and the longest id, in bytes, that are kept of a rejected message. NATS ends the
	// connection of a client whose subject goes beyond its control line, 4,096 bytes.
	longest = 1000
	// headroom is what the headers of a message may take of the largest message.
	headroom = 4 << 10
	// LargestMessage is what an event of the largest size is with its headers, in bytes.
	LargestMessage = event.MaxSize + headroom
)

// RejectEvent is Reject of an event that was read from the stream.
func (b *Broker) RejectEvent(ctx context.Context, e event.Event, reason string) error {
	header := nats.Header{}
	if key, given := event.KeyOf(e.ID); given {
		header.Set(nats.MsgIdHdr, key)
	}
	return b.Reject(ctx, event.Subject(e.Account, e.Name), header, e.Data, e.Position(), reason)
}

// Reject moves a message that cannot be delivered at all from EVENTS to REJECTED, with the reason. It is idempotent,
// so a crash in the middle is healed by the message's next delivery. That it leaves EVENTS keeps counts exact, and that its bytes
// leave the disk there has EraseRefused need to look only at REJECTED.
// It is known by its time, too: a stream that went back gives its sequence to another message.
// Of a message that is too large for NATS with these headers the first part is kept, and Saumer-Size says how long it was.
func (b *Broker) Reject(ctx context.Context, subject string, header nats.Header, data []byte, at event.Position, reason string) error {
	seq := at.Seq
	msg := &nats.Msg{Subject: rejectedPrefix + subject, Data: data, Header: nats.Header{
		"Saumer-Reason":   {reason},
		"Saumer-Sequence": {strconv.FormatUint(seq, 10)},
		nats.MsgIdHdr:     {strconv.FormatUint(seq, 10) + "." + strconv.FormatInt(at.Time.UnixNano(), 10)},
	}}
	if len(subject) > longest {
		msg.Subject = rejectedPrefix + "overlong"
		msg.Header.Set("Saumer-Subject", subject[:longest])
	}
	if id := header.Get(nats.MsgIdHdr); id != "" {
		msg.Header.Set("Saumer-Event-Id", id[:min(len(id), longest)])
	}
	if room := int(b.nc.MaxPayload()) - headroom; len(data) > room {
		msg.Data = data[:room]
		msg.Header.Set("Saumer-Size", strconv.Itoa(len(data)))
	}
	if _, err := b.JetStream.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("store event %d in %s: %w", seq, streamRejected, err)
	}
	fault.At(fault.Rejected)
	_, err := secureDelete(ctx, b.events, seq)
	return err
}
