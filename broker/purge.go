package broker

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Purge removes a key from a bucket if it is at this revision, and returns the revision of the removal, which the
// client's own Purge does not tell. The marker goes after a day. A conflict is jetstream.ErrKeyRevisionMismatch.
func (b *Broker) Purge(ctx context.Context, bucket jetstream.KeyValue, key string, revision uint64) (uint64, error) {
	msg := &nats.Msg{Subject: "$KV." + bucket.Bucket() + "." + key, Header: nats.Header{
		"KV-Operation":                      {"PURGE"},
		jetstream.MsgRollup:                 {jetstream.MsgRollupSubject},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(revision, 10)},
	}}
	ack, err := b.JetStream.PublishMsg(ctx, msg, jetstream.WithMsgTTL(markerTTL))
	var api *jetstream.APIError
	if e, ok := err.(jetstream.JetStreamError); ok {
		api = e.APIError()
	}
	if api != nil && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == wrongLastSequenceReplicated) {
		return 0, fmt.Errorf("remove %s: %w", key, jetstream.ErrKeyRevisionMismatch)
	}
	if err != nil {
		return 0, fmt.Errorf("remove %s: %w", key, err)
	}
	return ack.Sequence, nil
}

// wrongLastSequenceReplicated is the code with which a replicated stream says so (nats-server 2.12).
const wrongLastSequenceReplicated = 10164
