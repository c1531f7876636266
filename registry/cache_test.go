package registry_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/saumer/saumer/registry"
)

// A change of one webhook costs the look-ups of its event one record, however many webhooks the event has.
func changesCostOne(t *testing.T, b backend) {
	br := openBroker(t)
	n := newNode(t, br, b)
	const others = 300 // more than would rather be read again
	for i := range others {
		n.create(t, fmt.Sprintf("http://a.example/%d", i))
	}
	w := n.create(t, "http://b.example/")
	if got := n.urls(t); len(got) != others+1 {
		t.Fatalf("look-up finds %d webhooks", len(got))
	}
	writer, read := newNode(t, br, b), registry.Read(n.Registry)
	for i := range 20 {
		url := fmt.Sprintf("http://c.example/%d", i)
		if _, err := writer.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.URL = url; return nil }); err != nil {
			t.Fatal(err)
		}
		if got := n.urls(t); len(got) != others+1 || got[others] != url {
			t.Fatalf("look-up finds %d webhooks, the last at %s, want %s", len(got), got[len(got)-1], url)
		}
	}
	if err := writer.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	if got := n.urls(t); len(got) != others {
		t.Errorf("after a removal, look-up finds %d webhooks", len(got))
	}
	if got := read.Load(); got != 20 {
		t.Errorf("20 changes and a removal had %d records read", got)
	}
}

// What a look-up has found stays as it is, whatever changes meanwhile, and the next one finds what the change has made of it.
func changesUnderLookups(t *testing.T, b backend) {
	br := openBroker(t)
	n, other := newNode(t, br, b), newNode(t, br, b)
	var hooks []registry.Webhook
	for i := range 20 {
		hooks = append(hooks, n.create(t, fmt.Sprintf("http://a.example/%d", i)))
	}
	var stop atomic.Bool
	var changes, lookups sync.WaitGroup
	for _, writer := range []node{n, other} {
		changes.Go(func() {
			for i, w := range hooks {
				if _, err := writer.Update(t.Context(), w.Key(), func(w *registry.Webhook) error { w.Settings.MaxInFlight++; return nil }); err != nil {
					t.Error(err)
				}
				if i%5 == 0 {
					n.Forget()
				}
			}
		})
	}
	lookups.Go(func() {
		for !stop.Load() {
			found, err := n.Lookup(t.Context(), []registry.Pair{pair})
			if err != nil || len(found[pair]) != len(hooks) {
				t.Errorf("look-up finds %d webhooks: %v", len(found[pair]), err)
				return
			}
			for i, s := range found[pair] {
				if s.Webhook.ID != hooks[i].ID {
					t.Errorf("look-up finds webhook %d in the place of %d", s.Webhook.ID, hooks[i].ID)
				}
			}
		}
	})
	changes.Wait()
	stop.Store(true)
	lookups.Wait()
	found, err := n.Lookup(t.Context(), []registry.Pair{pair})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found[pair] {
		if s.Webhook.Settings.MaxInFlight != 2 {
			t.Errorf("look-up finds webhook %d as of the change %d, want 2", s.Webhook.ID, s.Webhook.Settings.MaxInFlight)
		}
	}
}
