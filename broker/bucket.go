package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors of buckets; match them with errors.Is.
var (
	// ErrNoKey is returned for a key that the bucket does not hold.
	ErrNoKey = errors.New("the bucket does not hold this key")
	// ErrChanged is returned for a write to a key whose revision is not the one that the writer names.
	ErrChanged = errors.New("the key was changed by somebody else meanwhile")
)

// Bucket is one of the journal's key-value buckets. It is safe for concurrent use.
type Bucket struct {
	broker   *Broker
	name     string
	kv       jetstream.KeyValue
	replicas int
}

// Entry is what a bucket holds for a key: its value, the revision of its last write, and when that was by NATS' clock.
// Removed says that the last write removed the key.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
	Written  time.Time
	Removed  bool
}

// Noted is the bucket of positions, in which what must not be forgotten with another bucket is noted a second time.
func (b *Broker) Noted() *Bucket { return b.positions }

// Name of the bucket.
func (b *Bucket) Name() string { return b.name }

// Get reads a key's entry: what is written is read, since the bucket's leader is asked. A bucket without replicas has no
// other server that could answer. It returns ErrNoKey.
func (b *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	if err := b.broker.reachable(); err != nil {
		return Entry{}, err
	}
	if b.replicas > 1 {
		return b.latest(ctx, key)
	}
	entry, err := b.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Entry{}, ErrNoKey
	}
	if errors.Is(err, nats.ErrNoResponders) {
		b.broker.health.tell() // the bucket may be gone
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read %s of the bucket %s: %w", key, b.name, err)
	}
	return Entry{Key: key, Value: entry.Value(), Revision: entry.Revision(), Written: entry.Created()}, nil
}

// latest asks the bucket's leader.
func (b *Bucket) latest(ctx context.Context, key string) (Entry, error) {
	m, err := b.broker.ask(ctx, "KV_"+b.name, get{Last: b.Subject(key)})
	if errors.Is(err, ErrNotFound) || err == nil && removed(m.header) {
		return Entry{}, ErrNoKey
	}
	if answer := new(jetstream.APIError); errors.As(err, &answer) && answer.ErrorCode == jetstream.JSErrCodeStreamNotFound {
		b.broker.health.tell()
	}
	return Entry{Key: key, Value: m.data, Revision: m.seq, Written: m.at}, err
}

// Put writes a key's value if its revision is still the one given, 0 for a key that the bucket does not hold, and returns
// the new revision. It returns ErrChanged if the revision is another.
func (b *Bucket) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	written, err := b.write(ctx, key, value, nil, revision)
	if revision == 0 && errors.Is(err, ErrChanged) {
		// The marker of a removed key has a revision, too.
		marker, askErr := b.broker.ask(ctx, "KV_"+b.name, get{Last: b.Subject(key)})
		if errors.Is(askErr, ErrNotFound) || askErr == nil && removed(marker.header) {
			written, err = b.write(ctx, key, value, nil, marker.seq)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("write %s of the bucket %s: %w", key, b.name, err)
	}
	return written, nil
}

// Remove removes a key if it is at this revision, and returns the revision of the removal. The marker goes after a day.
// It returns ErrChanged if the revision is another.
func (b *Bucket) Remove(ctx context.Context, key string, revision uint64) (uint64, error) {
	marker := nats.Header{"KV-Operation": {"PURGE"}, jetstream.MsgRollup: {jetstream.MsgRollupSubject}}
	removal, err := b.write(ctx, key, nil, marker, revision, jetstream.WithMsgTTL(markerTTL))
	if err != nil {
		return 0, fmt.Errorf("remove %s of the bucket %s: %w", key, b.name, err)
	}
	return removal, nil
}

// write stores a message under a key if the last one is at this revision: ErrChanged.
func (b *Bucket) write(ctx context.Context, key string, value []byte, header nats.Header, revision uint64, opts ...jetstream.PublishOpt) (uint64, error) {
	msg := &nats.Msg{Subject: b.Subject(key), Header: header, Data: value}
	stream, w := bucketPrefix+b.name, &b.broker.watch
	before := w.known(stream)
	ack, err := b.broker.JetStream.PublishMsg(ctx, msg, append(opts, jetstream.WithExpectLastSequencePerSubject(revision))...)
	if changed(err) {
		return 0, ErrChanged
	}
	if err != nil {
		return 0, err
	}
	if w.wrote(stream, before, ack.Sequence) {
		b.broker.lost()
	}
	b.keep(ctx)
	return ack.Sequence, nil
}

// changed says whether a message was not stored because the last one of its subject is another than expected.
func changed(err error) bool {
	var e jetstream.JetStreamError
	if !errors.As(err, &e) || e.APIError() == nil {
		return false
	}
	code := e.APIError().ErrorCode
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// entriesAtOnce is how many entries are read with one request.
const entriesAtOnce = 256

// Walk calls each with every entry of the bucket, oldest first, until it returns an error, which Walk then returns. It
// reads directly, from any replica, so that an entry may be a little old; it makes no consumer.
func (b *Bucket) Walk(ctx context.Context, each func(Entry) error) error {
	return b.Since(ctx, 0, func(e Entry) error {
		if e.Removed {
			return nil
		}
		return each(e)
	})
}

// Since is Walk over what was written after a revision, with the keys that were removed since, as long as their markers are
// kept: a day.
func (b *Bucket) Since(ctx context.Context, revision uint64, each func(Entry) error) error {
	for {
		messages, err := b.broker.direct(ctx, "KV_"+b.name, get{Seq: revision + 1, Next: b.Subject(">"), Batch: entriesAtOnce, Bytes: 4 << 20})
		if err != nil {
			return fmt.Errorf("read the bucket %s: %w", b.name, err)
		}
		if len(messages) == 0 {
			return nil
		}
		for _, m := range messages {
			if revision, err = sequence(m); err != nil {
				return fmt.Errorf("read the bucket %s: %w", b.name, err)
			}
			written, err := time.Parse(time.RFC3339Nano, added(m, "Nats-Time-Stamp"))
			if err != nil {
				return fmt.Errorf("read the bucket %s: when revision %d was written: %w", b.name, revision, err)
			}
			e := Entry{
				Key: strings.TrimPrefix(added(m, "Nats-Subject"), b.Subject("")), Value: m.Data, Revision: revision, Written: written,
				Removed: removed(m.Header),
			}
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

// Watch brings the entries of the keys that match, "" for all, then nil, and then each change. Stop it after use.
func (b *Bucket) Watch(ctx context.Context, keys string) (jetstream.KeyWatcher, error) {
	return b.watch(ctx, keys)
}

// Resume brings each change of all keys from a revision on; a nil among them means nothing. Stop it after use.
func (b *Bucket) Resume(ctx context.Context, revision uint64) (jetstream.KeyWatcher, error) {
	return b.watch(ctx, "", jetstream.ResumeFromRevision(revision))
}

func (b *Bucket) watch(ctx context.Context, keys string, opts ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	if keys == "" {
		keys = ">"
	}
	watch, err := b.kv.Watch(ctx, keys, opts...)
	if err != nil {
		return nil, fmt.Errorf("watch the bucket %s: %w", b.name, err)
	}
	return watch, nil
}

// BucketState is where a bucket stands: the last revision, when it was written, and when the bucket was made.
type BucketState struct {
	Last     uint64
	At, Made time.Time
}

// State asks the bucket's leader where the bucket stands.
func (b *Bucket) State(ctx context.Context) (BucketState, error) {
	if err := b.broker.reachable(); err != nil {
		return BucketState{}, err
	}
	status, err := b.kv.Status(ctx)
	if err != nil {
		return BucketState{}, fmt.Errorf("ask the bucket %s for its state: %w", b.name, err)
	}
	state, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return BucketState{}, fmt.Errorf("the state of the bucket %s is a %T", b.name, status)
	}
	info := state.StreamInfo()
	return BucketState{info.State.LastSeq, info.State.LastTime, info.Created}, nil
}

// Link numbers the connection that the bucket is reached by: after each reconnect it is another. It says whether the
// connection is there at the moment.
func (b *Bucket) Link() (number uint64, connected bool) {
	return b.broker.nc.Stats().Reconnects, b.broker.nc.IsConnected()
}

// Reconnects brings a value after each reconnect, until stop is called.
func (b *Bucket) Reconnects() (reconnects <-chan nats.Status, stop func()) {
	listener := b.broker.nc.StatusChanged(nats.CONNECTED)
	return listener, func() { b.broker.nc.RemoveStatusListener(listener) }
}

// Subject is where a key's entries are stored.
func (b *Bucket) Subject(key string) string { return "$KV." + b.name + "." + key }

// removed says whether a stored message is the marker of a removed key.
func removed(header nats.Header) bool {
	return header.Get("KV-Operation") != "" || header.Get("Nats-Marker-Reason") != ""
}
