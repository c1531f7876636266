package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// extent is how far a stream reaches: when it was made, by NATS' clock, the sequence of its newest message, and when that was
// stored.
type extent struct {
	Made time.Time `json:"made"`
	Last uint64    `json:"last"`
	at   time.Time
}

// backlogsStream is the stream of the bucket that has what was handed over.
const backlogsStream = bucketPrefix + "BACKLOGS"

// witnesses are the streams that tell by how far they reach whether NATS has lost what it had stored. Each is synced to the
// disk by itself, so that after a loss of power each may be as it was at another moment.
var witnesses = []string{streamEvents, backlogsStream, bucketPrefix + "WEBHOOKS", bucketPrefix + "ACCOUNTS", bucketPrefix + "POSITIONS"}

// extents asks how far the witnesses reach. One that is gone is left out.
func (b *Broker) extents(ctx context.Context) (map[string]extent, error) {
	all := make(map[string]extent, len(witnesses))
	for _, name := range witnesses {
		stream, err := b.JetStream.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask how far %s reaches: %w", name, err)
		}
		info := stream.CachedInfo()
		all[name] = extent{Made: info.Created, Last: info.State.LastSeq, at: info.State.LastTime}
	}
	return all, nil
}

// lostStreams are the streams that reach less far than they were known to. A stream that was made anew reaches nowhere; of
// these only that of the backlogs says something about what was acknowledged.
func lostStreams(known, is map[string]extent) (lost []string) {
	for name, k := range known {
		now, there := is[name]
		anew := !there || !now.Made.Equal(k.Made)
		if anew && name == backlogsStream || !anew && now.Last < k.Last {
			lost = append(lost, name)
		}
	}
	slices.Sort(lost)
	return lost
}
