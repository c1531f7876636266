package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// bucketPrefix begins the name of a bucket's stream.
const bucketPrefix = "KV_"

// missing are the streams of ours, buckets too, that NATS does not have.
func (b *Broker) missing(ctx context.Context) ([]string, error) {
	var want []string
	for _, config := range b.streams() {
		want = append(want, config.Name)
	}
	for name := range b.buckets() {
		want = append(want, bucketPrefix+name)
	}
	names := b.JetStream.StreamNames(ctx)
	for name := range names.Name() {
		want = slices.DeleteFunc(want, func(w string) bool { return w == name })
	}
	if err := names.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list the streams: %w", err)
	}
	slices.Sort(want)
	return want, nil
}

// makeMissing makes the streams and buckets that are gone again, empty, and says which.
func (b *Broker) makeMissing(ctx context.Context) error {
	missing, err := b.missing(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		b.watch.unsure.Store(true) // before anybody finds a bucket empty
	}
	var errs []error
	for _, name := range missing {
		if err := b.makeStream(ctx, name); err != nil {
			errs = append(errs, fmt.Errorf("make the stream %s again: %w", name, err))
			// Where several make it at once, NATS may answer none of them, and at the next look it is there.
			b.options.Log.Error("a stream was gone, and was made again or will be: all that it held is lost", zap.String("stream", name), zap.Error(err))
			b.tellRemade(name)
			continue
		}
		b.options.Log.Error("a stream was gone, and was made again: all that it held is lost", zap.String("stream", name))
		b.tellRemade(name)
	}
	return errors.Join(errs...)
}

func (b *Broker) makeStream(ctx context.Context, name string) error {
	if bucket, ok := strings.CutPrefix(name, bucketPrefix); ok {
		_, err := b.JetStream.CreateOrUpdateKeyValue(ctx, b.bucketConfig(bucket))
		return err
	}
	configs := b.streams()
	at := slices.IndexFunc(configs, func(c jetstream.StreamConfig) bool { return c.Name == name })
	_, err := b.JetStream.CreateOrUpdateStream(ctx, configs[at])
	return err
}

// heal makes again what is gone of streams and consumers. The consumer dispatch is made by the next pull. An embedded
// server that cannot write any more ends Run, since only a start has it write again.
func (b *Broker) heal(ctx context.Context) error {
	if b.embedded != nil {
		if broken := b.embedded.broken(); broken != nil {
			err := fmt.Errorf("the embedded NATS writes nothing until it is started again: %w", broken)
			b.end(err)
			// What waits for an answer, or writes again, would hold up the stop. Acknowledgements go on over the other one.
			b.nc.Close()
			return err
		}
	}
	if err := b.makeMissing(ctx); err != nil {
		return err
	}
	if b.watch.unsure.Load() {
		b.doubt()
	}
	var errs []error
	for _, k := range b.keptConsumers() {
		errs = append(errs, b.watchKept(ctx, k))
	}
	return errors.Join(append(errs, b.watchDispatch(ctx), b.keepSettings(ctx))...)
}
