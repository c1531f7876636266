package registry

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/lifetime"
)

// waits is how long the index waits before it begins again; it begins again at once after it has followed for steady.
var waits = lifetime.Waits{First: 50 * time.Millisecond, Longest: 5 * time.Second}

const steady = time.Minute

// compareEach is how often the watch asks the journal where it is, besides after each reconnect.
const compareEach = 30 * time.Second

// Errors that have the index begin again.
var (
	// errBack says that the journal ends before what the watch has brought, or gives a revision again.
	errBack = errors.New("the journal has gone back")
	// errOther says that the journal was removed and made again.
	errOther = errors.New("the journal is another one")
	// errRenewed says that the journal may be another one after a reconnect, or that the watch may have missed something.
	errRenewed = errors.New("the journal went on while the watch did not see it")
)

// run follows the journal until the context ends. Whatever goes wrong on the way, it begins again from the whole.
func (x *index) run(ctx context.Context) error {
	lifetime.Repeat(ctx, waits, func() error {
		began := time.Now()
		err := x.follow(ctx)
		if ctx.Err() == nil {
			x.stop(err)
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
	x.mu.Lock()
	refusals := x.refusals
	x.mu.Unlock()
	reconnects, stop := x.bucket.Reconnects()
	defer stop()
	link, _ := x.bucket.Link()
	state, err := x.bucket.State(ctx)
	if err != nil {
		return err
	}
	watch, err := x.bucket.Watch(ctx, "")
	if err != nil {
		return err
	}
	f := &following{index: x, watch: watch}
	defer f.stop()
	entries, err := held(ctx, watch, reconnects)
	if err != nil {
		return err
	}
	p, err := x.load(ctx, state, entries)
	if err != nil {
		return err
	}
	if err := x.begun(p, link, refusals); err != nil {
		return err
	}
	x.startOnce.Do(func() { close(x.started) })
	return f.run(ctx, reconnects)
}

// following is a watch that brings the journal's changes into the index.
type following struct {
	*index
	watch jetstream.KeyWatcher
	// behind is the revision at which the watch stood when it was found to be behind the journal, else 0.
	behind uint64
}

// stop ends the watch.
func (f *following) stop() { _ = f.watch.Stop() } // an error means that the connection is gone, and the watch with it

// run brings each change, until something fails.
func (f *following) run(ctx context.Context, reconnects <-chan nats.Status) error {
	ticker := time.NewTicker(compareEach)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case entry, ok := <-f.watch.Updates():
			switch {
			case !ok:
				return errors.New("the journal's watch ended")
			case entry != nil:
				err = f.take(ctx, f.more(entry))
			}
		case <-f.doubts:
			err = f.compare(ctx, false)
		case <-reconnects:
			err = f.compare(ctx, false)
		case <-ticker.C:
			err = f.compare(ctx, true)
		}
		if err != nil {
			return err
		}
	}
}

// more are an entry and those that have come after it.
func (f *following) more(entry jetstream.KeyValueEntry) []jetstream.KeyValueEntry {
	entries := []jetstream.KeyValueEntry{entry}
	for len(entries) < together {
		select {
		case entry, ok := <-f.watch.Updates():
			if !ok {
				return entries // and so says the next look
			}
			if entry != nil {
				entries = append(entries, entry)
			}
		default:
			return entries
		}
	}
	return entries
}

// held takes the entries that a watch brings before its first nil: what the journal holds.
func held(ctx context.Context, watch jetstream.KeyWatcher, reconnects <-chan nats.Status) (map[string]jetstream.KeyValueEntry, error) {
	entries := map[string]jetstream.KeyValueEntry{}
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-reconnects:
			return nil, errRenewed
		case entry, ok := <-watch.Updates():
			switch {
			case !ok:
				return nil, errors.New("the journal's watch ended")
			case entry == nil:
				return entries, nil
			}
			entries[entry.Key()] = entry
		}
	}
}

// subject is what an entry tells of: a webhook of an account, or no account and the id that the counter holds.
func subject(entry jetstream.KeyValueEntry) (account string, id uint64) {
	account, id, err := parseKey(entry.Key())
	if err == nil {
		return account, id
	}
	if entry.Key() == counter && entry.Operation() == jetstream.KeyValuePut {
		// A counter that cannot be read fails where it is used.
		id, _ = decodeCounter(broker.Entry{Value: entry.Value()})
	}
	return "", id
}

// compare asks the journal where it is, and returns an error if the index must begin again. After a reconnect it must
// unless the journal ends with the very change that the watch brought last: then another watch goes on there, since the
// server may have forgotten the one before. A watch that stands still behind the journal from one regular comparison to
// the next brings nothing any more.
func (f *following) compare(ctx context.Context, regular bool) error {
	link, connected := f.bucket.Link()
	if !connected {
		return nil // the reconnect brings it here again
	}
	state, stateErr := f.bucket.State(ctx)
	f.mu.Lock()
	stands, all, tip, known, names := f.stands, f.all, f.tip, f.link, f.names
	f.mu.Unlock()
	switch {
	case stands != nil:
		return stands
	case stateErr != nil && link == known:
		return nil // no answer proves nothing
	case stateErr != nil:
		return stateErr
	case !names.of(state.Made):
		return errOther
	case state.Last < all:
		return errBack
	case link != known && (state.Last != all || !state.At.Equal(tip)):
		return errRenewed
	case link != known:
		return f.resume(ctx, all+1, link)
	case regular && state.Last > all && f.behind == all:
		return errRenewed
	case regular:
		f.behind = 0
		if state.Last > all {
			f.behind = all
		}
	}
	return nil
}

// resume goes on from a revision with another watch, over the connection of this number.
func (f *following) resume(ctx context.Context, revision, link uint64) error {
	watch, err := f.bucket.Resume(ctx, revision)
	if err != nil {
		return err
	}
	f.stop()
	f.watch = watch
	f.mu.Lock()
	defer f.mu.Unlock()
	f.link = link
	f.waiters.wake()
	return nil
}
