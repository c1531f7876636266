package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/defaults"
)

// Names of the streams.
const (
	streamEvents   = "EVENTS"
	streamWakes    = "WAKES"
	streamAttempts = "ATTEMPTS"
	streamNotices  = "NOTICES"
	streamRejected = "REJECTED"
	streamStats    = "STATS"
	streamAudit    = "AUDIT"
	streamReceipts = "RECEIPTS"
)

// Names of the consumers. Each channel of notices has one more.
const (
	dispatchName = "dispatch"
	runnersName  = "runners"
)

const (
	// noticeDedupe is for how long after a crash a notice that was stored is not stored again.
	noticeDedupe = 24 * time.Hour
	// attemptsKept bounds the attempt log of one webhook, in messages of one to pageRecords records.
	attemptsKept = 200
	// rejectedKept bounds the stream REJECTED as a whole.
	rejectedKept = 100_000
	// statsAge is how long statistics are kept, and statsKept bounds those of one account, in messages: those of two days
	// and 17 processes.
	statsAge  = 48 * time.Hour
	statsKept = 50_000
	// maxAckPending bounds the events that are handed out and not acknowledged, over all workers.
	maxAckPending = 20_000
	// markerTTL is how long the marker of a removed record is kept, for the watches of nodes that were away.
	markerTTL = 24 * time.Hour
)

// streams are the definitions. Every one is kept in files and can be read directly from any replica.
func (b *Broker) streams() []jetstream.StreamConfig {
	o := b.options
	configs := []jetstream.StreamConfig{
		{
			Name: streamEvents, Description: "what happened, and the backlog of every webhook",
			Subjects: []string{"events.>"}, MaxAge: o.Retention, MaxBytes: o.MaxBytes, Duplicates: defaults.Dedupe,
			// A full store refuses the publisher; it drops nothing that was accepted.
			Discard: jetstream.DiscardNew,
		},
		{
			Name: streamWakes, Description: "backlogs to look at, now or at a time",
			Subjects: []string{"wake.now.>", "wake.at.>"}, Retention: jetstream.WorkQueuePolicy,
			MaxMsgsPerSubject: 1, AllowMsgSchedules: true, AllowMsgTTL: true,
		},
		{
			Name: streamAttempts, Description: "the last attempts of every webhook",
			Subjects: []string{"attempts.>"}, MaxAge: o.Retention, MaxMsgsPerSubject: attemptsKept,
		},
		{
			Name: streamNotices, Description: "what people are told",
			Subjects: []string{noticesPrefix + ">"}, MaxAge: o.Retention, Duplicates: min(noticeDedupe, o.Retention),
		},
		{
			Name: streamRejected, Description: "what cannot be delivered at all, with the reason",
			Subjects: []string{"rejected.>"}, MaxAge: o.Retention, MaxMsgs: rejectedKept, Duplicates: defaults.Dedupe,
		},
		{
			Name: streamAudit, Description: "who changed what and when",
			Subjects: []string{auditPrefix + "*"}, MaxAge: auditAge, MaxMsgsPerSubject: auditKept,
		},
		{
			Name: streamReceipts, Description: "what came of each notice by each channel",
			Subjects: []string{receiptsPrefix + "*.*.*"}, MaxAge: o.Retention, MaxMsgsPerSubject: 1,
		},
		{
			Name: streamStats, Description: "what came of the attempts of each minute",
			Subjects: []string{"stats.*"}, MaxAge: statsAge, MaxMsgsPerSubject: statsKept, Duplicates: time.Hour,
		},
	}
	for i := range configs {
		configs[i].Storage = jetstream.FileStorage
		configs[i].Replicas = o.Replicas
		configs[i].AllowDirect = true
		// NATS lets nobody change this later.
		if name := configs[i].Name; b.embedded != nil && o.Sync == 0 && (name == streamStats || name == streamAttempts) {
			configs[i].PersistMode = jetstream.AsyncPersistMode
		}
	}
	return configs
}

// buckets are the names of the buckets, and where each is kept.
func (b *Broker) buckets() map[string]**Bucket {
	return map[string]**Bucket{
		"WEBHOOKS": &b.Webhooks, "BACKLOGS": &b.Backlogs, "ACCOUNTS": &b.Accounts, "POSITIONS": &b.positions,
	}
}

func (b *Broker) define(ctx context.Context) error {
	if err := b.defineStreams(ctx); err != nil {
		return err
	}
	return b.defineConsumers(ctx)
}

func (b *Broker) defineStreams(ctx context.Context) error {
	for _, config := range b.streams() {
		stream, err := b.defineStream(ctx, config)
		if err != nil {
			return fmt.Errorf("define the stream %s: %w", config.Name, err)
		}
		switch config.Name {
		case streamEvents:
			b.events = stream
		case streamAttempts:
			b.attempts = stream
		case streamNotices:
			b.notices = stream
		}
	}
	for name, bucket := range b.buckets() {
		made, err := b.defineBucket(ctx, name)
		if err != nil {
			return fmt.Errorf("define the bucket %s: %w", name, err)
		}
		*bucket = made
	}
	return nil
}

func (b *Broker) bucketConfig(name string) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: name, History: 1, Storage: jetstream.FileStorage, Replicas: b.options.Replicas, LimitMarkerTTL: markerTTL,
	}
}

// dispatchConfig is the consumer of the live path, but where it begins.
func (b *Broker) dispatchConfig() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: dispatchName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.options.AckWait,
		MaxDeliver: -1, MaxAckPending: maxAckPending,
	}
}

func (b *Broker) defineConsumers(ctx context.Context) error {
	if _, err := b.check(); err != nil {
		return err
	}
	// Asked about on the connection that is not busy with pulls.
	dispatch, err := b.JetStream.Consumer(ctx, streamEvents, dispatchName)
	if err != nil {
		return fmt.Errorf("look up the consumer %s: %w", dispatchName, err)
	}
	// Where it begins is left as it is: it may have been made again.
	config, want := dispatch.CachedInfo().Config, b.dispatchConfig()
	config.MaxDeliver, config.MaxAckPending = want.MaxDeliver, want.MaxAckPending
	if b.embedded != nil || want.AckWait > config.AckWait {
		config.AckWait = want.AckWait
	} else if want.AckWait != config.AckWait {
		// The events of a process with a longer --timeout would be handed out twice.
		b.differs("the ack wait that goes with this process's --timeout is shorter than that of another, which was kept", "",
			difference{"ack wait", want.AckWait.String(), config.AckWait.String()})
	}
	if b.dispatch, err = b.JetStream.UpdateConsumer(ctx, streamEvents, config); err != nil {
		return fmt.Errorf("define the consumer %s: %w", dispatchName, err)
	}
	return b.defineRunners(ctx)
}

func (b *Broker) defineRunners(ctx context.Context) error {
	pulls, err := jetstream.New(b.pull)
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	if b.Wakes, err = b.makeConsumer(ctx, pulls.CreateOrUpdateConsumer, streamWakes, runnersConfig); err != nil {
		return fmt.Errorf("define the consumer %s: %w", runnersName, err)
	}
	b.keep(streamWakes, runnersConfig.FilterSubject, runnersConfig)
	return nil
}

// runnersConfig is the consumer of the wakes.
var runnersConfig = jetstream.ConsumerConfig{
	Durable: runnersName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second,
	MaxDeliver: -1, MaxAckPending: -1, FilterSubject: "wake.now.>",
}
