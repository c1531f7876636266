package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// run follows the journal until the context ends. Whatever goes wrong on the way, it begins again from the whole.
func (x *index) run(ctx context.Context) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		began := time.Now()
		err := x.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		x.log.Warn("the index stopped following the journal; it begins again", zap.Error(err))
		if time.Since(began) > time.Minute {
			wait = 50 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// follow brings the whole journal into Redis and then each change, until something fails.
func (x *index) follow(ctx context.Context) error {
	info, err := x.info(ctx)
	if err != nil {
		return err
	}
	if x.prefix == "" {
		x.name(info.Created)
	}
	watch, err := x.kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch the journal: %w", err)
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
			x.note("", info.State.LastSeq)
			x.startOnce.Do(func() { close(x.started) })
		case entries != nil:
			entries[entry.Key()] = entry
		default:
			if err := x.apply(ctx, entry); err != nil {
				return fmt.Errorf("bring %s into the index: %w", entry.Key(), err)
			}
			account, _, err := ParseKey(entry.Key())
			if err != nil {
				account = "" // the counter of ids
			}
			x.note(account, entry.Revision())
		}
	}
}
