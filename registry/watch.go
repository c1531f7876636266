package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/lifetime"
)

// waits is how long the index waits before it begins again; it begins again at once after it has followed for steady.
var waits = lifetime.Waits{First: 50 * time.Millisecond, Longest: 5 * time.Second}

const steady = time.Minute

// run follows the journal until the context ends. Whatever goes wrong on the way, it begins again from the whole.
func (x *index) run(ctx context.Context) error {
	lifetime.Repeat(ctx, waits, func() error {
		began := time.Now()
		err := x.follow(ctx)
		if ctx.Err() == nil {
			x.log.Warn("the index stopped following the journal; it begins again", zap.Error(err))
		}
		if time.Since(began) > steady {
			return nil
		}
		return err
	}, func(error) {})
	return nil
}

// follow brings the whole journal into Redis and then each change, until something fails.
func (x *index) follow(ctx context.Context) error {
	last, made, err := x.bucket.State(ctx)
	if err != nil {
		return err
	}
	if x.prefix == "" {
		x.name(made)
	}
	watch, err := x.bucket.Watch(ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = watch.Stop() }() // an error means that the connection is gone, and the watch with it
	entries := map[string]jetstream.KeyValueEntry{}
	for {
		var entry jetstream.KeyValueEntry
		var ok bool
		select {
		case <-ctx.Done():
			return ctx.Err()
		case entry, ok = <-watch.Updates():
		}
		switch {
		case !ok:
			return errors.New("the journal's watch ended")
		case entry == nil:
			if err := x.load(ctx, entries); err != nil {
				return err
			}
			entries = nil
			// What the journal held when the watch began has been seen, even if its last markers have expired.
			x.advance("", 0, last)
			x.startOnce.Do(func() { close(x.started) })
		case entries != nil:
			entries[entry.Key()] = entry
		default:
			if err := x.apply(ctx, entry); err != nil {
				return fmt.Errorf("bring %s into the index: %w", entry.Key(), err)
			}
			account, id, err := parseKey(entry.Key())
			if err != nil {
				account, id = "", 0 // the counter of ids
			}
			x.advance(account, id, entry.Revision())
		}
	}
}
