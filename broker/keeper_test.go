package broker

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Those who wait while a sync is under way share the next one: what they wrote may have come too late for that.
func TestKeeperSharesSyncs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, syncs := make(chan error), 0
		k := &keeper{sync: func(string) error { syncs++; return <-release }}
		const late = 5
		first, results := make(chan error, 1), make(chan error, late)
		go func() { first <- k.keep(t.Context(), "a") }()
		synctest.Wait()
		for range late {
			go func() { results <- k.keep(t.Context(), "a") }()
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := k.keep(cancelled, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("who waits no more got %v", err)
		}
		synctest.Wait()
		release <- nil
		synctest.Wait()
		if err := <-first; err != nil || len(results) != 0 {
			t.Errorf("the first got %v, and %d of those who came later have an answer", err, len(results))
		}
		broken := errors.New("the disk is broken")
		release <- broken
		for range late {
			if err := <-results; !errors.Is(err, broken) {
				t.Errorf("who came later got %v", err)
			}
		}
		if syncs != 2 {
			t.Errorf("there were %d syncs, want 2", syncs)
		}
		go func() { release <- nil }()
		if err := k.keep(t.Context(), "a"); err != nil || syncs != 3 {
			t.Errorf("who came last got %v after %d syncs", err, syncs)
		}
	})
}

// The disk has webhooks and accounts before a write of them is answered; other buckets are synced by and by.
func TestBucketsThatAreKept(t *testing.T) {
	t.Parallel()
	b := open(t)
	var mu sync.Mutex
	var synced []string
	b.embedded.kept.sync = func(dir string) error {
		mu.Lock()
		defer mu.Unlock()
		synced = append(synced, filepath.Base(dir))
		return nil
	}
	for _, bucket := range []*Bucket{b.Webhooks, b.Backlogs, b.Accounts} {
		revision, err := bucket.Put(t.Context(), "demo.1", []byte("{}"), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Remove(t.Context(), "demo.1", revision); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"KV_WEBHOOKS", "KV_WEBHOOKS", "KV_ACCOUNTS", "KV_ACCOUNTS"}; len(synced) != 4 || synced[0] != want[0] || synced[1] != want[1] || synced[2] != want[2] || synced[3] != want[3] {
		t.Errorf("synced were %v, want %v", synced, want)
	}
}

// With a sync before each answer, NATS does all of it, but for what may be lost.
func TestSyncAlways(t *testing.T) {
	t.Parallel()
	o := open(t).options
	o.Dir, o.Sync = t.TempDir(), 0
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if !b.embedded.server.JetStreamConfig().SyncAlways {
		t.Error("the server does not sync always")
	}
	for name, async := range map[string]bool{streamEvents: false, backlogsStream: false, streamStats: true, streamAttempts: true} {
		stream, err := b.JetStream.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got := stream.CachedInfo().Config.PersistMode != 0; got != async {
			t.Errorf("%s is written late: %v", name, got)
		}
	}
	if b.costs() != 0 || !b.quiet() && len(b.watch.own().Trail) > 1 {
		t.Error("floors are noted though a loss of power costs nothing")
	}
	publish(t, b, 1, 4)
	expect(t, "events", take(t, b, 3), "[1 2 3]")
	b.Close()
	o.Sync = time.Minute // what NATS does not let change stays
	if b, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b.Close()
}
