package broker

import (
	"context"
	"path/filepath"
	"sync"

	"go.uber.org/zap"
)

// keeper has the disk write the files of a directory before an answer is given. Those who wait at one time share a sync: it
// begins after the last of them has written.
type keeper struct {
	sync func(dir string) error

	mu sync.Mutex
	// next are the syncs that are to begin, by directory. Busy are the directories that are synced at the moment.
	next map[string]*keeping
	busy map[string]bool
}

// keeping is one sync, and what came of it once done is closed.
type keeping struct {
	done chan struct{}
	err  error
}

// keep returns when the disk has what was written to a directory before.
func (k *keeper) keep(ctx context.Context, dir string) error {
	k.mu.Lock()
	if k.next == nil {
		k.next, k.busy = map[string]*keeping{}, map[string]bool{}
	}
	mine := k.next[dir]
	if mine == nil {
		mine = &keeping{done: make(chan struct{})}
		k.next[dir] = mine
	}
	if !k.busy[dir] {
		k.busy[dir] = true
		go k.run(dir)
	}
	k.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run syncs a directory for as long as somebody waits for it.
func (k *keeper) run(dir string) {
	for {
		k.mu.Lock()
		now := k.next[dir]
		delete(k.next, dir)
		if now == nil {
			delete(k.busy, dir)
		}
		k.mu.Unlock()
		if now == nil {
			return
		}
		now.err = k.sync(dir)
		close(now.done)
	}
}

// kept are the buckets of which the disk has each write before it is answered, on an embedded server: what the API confirmed
// survives a loss of power.
var kept = map[string]bool{"WEBHOOKS": true, "ACCOUNTS": true}

// keep has the disk write what a bucket of these was just written. A write is answered in any case: it is made, and a disk
// that does not sync is said in the log.
func (b *Bucket) keep(ctx context.Context) {
	e := b.broker.embedded
	if e == nil || b.broker.options.Sync == 0 || !kept[b.name] {
		return
	}
	dir := filepath.Join(e.store, "jetstream", "$G", "streams", bucketPrefix+b.name)
	if err := e.kept.keep(ctx, dir); err != nil {
		b.broker.options.Log.Error("the disk may not have a change: a loss of power may cost it", zap.String("stream", bucketPrefix+b.name), zap.Error(err))
	}
}
