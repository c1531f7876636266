package broker

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Entry is what a bucket holds for a key.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
}

// entriesAtOnce is how many entries are read with one request.
const entriesAtOnce = 256

// Entries calls each with every entry of a bucket, oldest first, until it returns an error. It reads directly, from
// any replica, so that an entry may be a little old; it makes no consumer.
func (b *Broker) Entries(ctx context.Context, bucket jetstream.KeyValue, each func(Entry) error) error {
	prefix := "$KV." + bucket.Bucket() + "."
	for from := uint64(1); ; {
		messages, err := b.direct(ctx, "KV_"+bucket.Bucket(), get{Seq: from, Next: prefix + ">", Batch: entriesAtOnce, Bytes: 4 << 20})
		if err != nil {
			return fmt.Errorf("read the bucket %s: %w", bucket.Bucket(), err)
		}
		if len(messages) == 0 {
			return nil
		}
		for _, m := range messages {
			revision, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return fmt.Errorf("read the bucket %s: an entry's revision: %w", bucket.Bucket(), err)
			}
			from = revision + 1
			if m.Header.Get("KV-Operation") != "" || m.Header.Get("Nats-Marker-Reason") != "" {
				continue // removed
			}
			if err := each(Entry{strings.TrimPrefix(m.Header.Get("Nats-Subject"), prefix), m.Data, revision}); err != nil {
				return err
			}
		}
	}
}
