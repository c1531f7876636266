package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// difference is a setting of this process that is not what NATS has, and that was not taken.
type difference struct{ what, here, kept string }

// agreed is the definition of a stream that NATS has, have, brought up to what this process wants. What an operator sets on a
// stream, such as placement and compression, is kept. Where processes differ, the safe one is kept: the longer age and the
// more replicas; and a bound in bytes that this process does not name. A process that has the server to itself, as sole says,
// decides on age and bytes.
func agreed(have, want jetstream.StreamConfig, sole bool) (jetstream.StreamConfig, []difference) {
	var differences []difference
	c := have
	c.Description, c.Subjects, c.Retention, c.Discard = want.Description, want.Subjects, want.Retention, want.Discard
	c.MaxMsgs, c.MaxMsgsPerSubject, c.Duplicates = want.MaxMsgs, want.MaxMsgsPerSubject, want.Duplicates
	c.AllowDirect, c.AllowMsgSchedules, c.AllowMsgTTL = true, have.AllowMsgSchedules || want.AllowMsgSchedules, have.AllowMsgTTL || want.AllowMsgTTL
	if c.MaxMsgs == 0 {
		c.MaxMsgs = -1
	}
	if c.MaxMsgsPerSubject == 0 {
		c.MaxMsgsPerSubject = -1
	}
	if want.Duplicates == 0 {
		c.Duplicates = have.Duplicates
	}
	if sole || longer(want.MaxAge, have.MaxAge) {
		c.MaxAge = want.MaxAge
	} else if have.MaxAge != want.MaxAge {
		differences = append(differences, difference{"age", want.MaxAge.String(), have.MaxAge.String()})
	}
	switch {
	case sole && want.MaxBytes == 0:
		c.MaxBytes = -1
	case want.MaxBytes > 0:
		c.MaxBytes = want.MaxBytes
	case have.MaxBytes > 0:
		differences = append(differences, difference{"bytes", "unbounded", fmt.Sprint(have.MaxBytes)})
	}
	if c.Replicas = max(have.Replicas, want.Replicas); c.Replicas != want.Replicas {
		differences = append(differences, difference{"replicas", fmt.Sprint(want.Replicas), fmt.Sprint(have.Replicas)})
	}
	return c, differences
}

// longer says whether an age is longer than another; 0 is without end.
func longer(a, b time.Duration) bool { return b != 0 && (a == 0 || a > b) }

// defineStream makes a stream, or brings the one that NATS has up to what is agreed.
func (b *Broker) defineStream(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := b.JetStream.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if want.Name == streamEvents {
			b.retention = want.MaxAge
		}
		return b.JetStream.CreateOrUpdateStream(ctx, want)
	}
	if err != nil {
		return nil, err
	}
	config, differences := agreed(stream.CachedInfo().Config, want, b.embedded != nil)
	for _, d := range differences {
		b.differs("a setting of this process is not that of the stream, which was kept: change it with `nats stream edit`", want.Name, d)
	}
	if want.Name == streamEvents {
		b.retention = config.MaxAge
	}
	return b.JetStream.UpdateStream(ctx, config)
}

// Retention is how long the stream of events keeps them, as it was defined at the start: the longest of all processes.
func (b *Broker) Retention() time.Duration { return b.retention }

// defineBucket makes a bucket, or takes the one that NATS has with what an operator set on it. It has at least the replicas
// that this process wants.
func (b *Broker) defineBucket(ctx context.Context, name string) (*Bucket, error) {
	stream, err := b.JetStream.Stream(ctx, bucketPrefix+name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		kv, err := b.JetStream.CreateOrUpdateKeyValue(ctx, b.bucketConfig(name))
		return &Bucket{broker: b, name: name, kv: kv, replicas: b.options.Replicas}, err
	}
	if err != nil {
		return nil, err
	}
	config := stream.CachedInfo().Config
	if config.Replicas < b.options.Replicas {
		config.Replicas = b.options.Replicas
		if _, err := b.JetStream.UpdateStream(ctx, config); err != nil {
			return nil, err
		}
	}
	kv, err := b.JetStream.KeyValue(ctx, name)
	return &Bucket{broker: b, name: name, kv: kv, replicas: config.Replicas}, err
}
