package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/saumer/saumer/registry"
)

// furnished are two nodes with webhooks of two accounts for two events, and an account that has none.
type furnished struct {
	t        *testing.T
	one, two node
	// want is the URLs that look-ups must find.
	want map[registry.Pair][]string
}

func furnish(t *testing.T, b backend) *furnished {
	t.Helper()
	br := openBroker(t)
	f := &furnished{t: t, one: newNode(t, br, b), two: newNode(t, br, b), want: map[registry.Pair][]string{{Account: "none", Event: optin}: nil}}
	for _, account := range []string{"demo", "other"} {
		for _, ev := range []string{optin, "optout_finalized"} {
			for i := range 3 {
				f.add(registry.Pair{Account: account, Event: ev}, fmt.Sprintf("http://%d.example/", i))
			}
		}
	}
	f.check("in the beginning")
	return f
}

// add makes a webhook.
func (f *furnished) add(p registry.Pair, url string) registry.Webhook {
	f.t.Helper()
	w, _, err := f.one.Create(f.t.Context(), registry.Webhook{Account: p.Account, App: "try", Event: p.Event, URL: url})
	if err != nil {
		f.t.Fatal(err)
	}
	f.want[p] = append(f.want[p], url)
	return w
}

// remove removes a webhook.
func (f *furnished) remove(w registry.Webhook) {
	f.t.Helper()
	if err := f.one.Delete(f.t.Context(), w.Key()); err != nil {
		f.t.Fatal(err)
	}
	p := registry.Pair{Account: w.Account, Event: w.Event}
	f.want[p] = slices.DeleteFunc(f.want[p], func(url string) bool { return url == w.URL })
}

// check looks up everything on both nodes, first with what they remember and then without.
func (f *furnished) check(when string) {
	f.t.Helper()
	var pairs []registry.Pair
	for p := range f.want {
		pairs = append(pairs, p)
	}
	for _, remembers := range []bool{true, false} {
		for name, n := range map[string]node{"the first node": f.one, "the second node": f.two} {
			if !remembers {
				n.Forget()
			}
			found, err := n.Lookup(f.t.Context(), pairs)
			if err != nil {
				f.t.Fatalf("%s, %s looks up: %v", when, name, err)
			}
			for p, want := range f.want {
				var urls []string
				for _, s := range found[p] {
					urls = append(urls, s.Webhook.URL)
				}
				if !slices.Equal(urls, want) {
					f.t.Errorf("%s, %s finds %v for %s of %s (from memory: %v), want %v", when, name, urls, p.Event, p.Account, remembers, want)
				}
			}
		}
	}
}

// every calls each with every key that Redis has, one by one, and then with every pair of keys.
func every(t *testing.T, b backend, each func(keys ...string)) {
	t.Helper()
	keys := b.keys(t)
	if len(keys) < 6 {
		t.Fatalf("Redis has only the keys %q", keys)
	}
	for i, key := range keys {
		each(key)
		for _, second := range keys[i+1:] {
			each(key, second)
		}
	}
}

// evictedKeys evicts every key there is, and pairs of keys, and looks up.
func evictedKeys(t *testing.T, b backend) {
	f := furnish(t, b)
	every(t, b, func(keys ...string) {
		b.evict(t, keys...)
		f.one.Forget()
		f.check(fmt.Sprintf("after the eviction of %q", keys))
	})
}

// evictedAndChanged evicts every key there is, and pairs of keys, and changes something before anybody looks up.
func evictedAndChanged(t *testing.T, b backend) {
	f := furnish(t, b)
	every(t, b, func(keys ...string) {
		b.evict(t, keys...)
		added := f.add(pair, "http://new.example/")
		f.check(fmt.Sprintf("after the eviction of %q and a new webhook", keys))
		// Both nodes remember the webhook that goes.
		b.evict(t, keys...)
		f.remove(added)
		f.check(fmt.Sprintf("after the eviction of %q and a removal", keys))
	})
}

// evictedAndStarted evicts every key there is before a node starts.
func evictedAndStarted(t *testing.T, b backend) {
	br := openBroker(t)
	n := newNode(t, br, b)
	for i := range 3 {
		n.create(t, fmt.Sprintf("http://%d.example/", i))
	}
	n.urls(t)
	for _, key := range b.keys(t) {
		b.evict(t, key)
		if got := newNode(t, br, b).urls(t); len(got) != 3 {
			t.Errorf("after the eviction of %q, a new node finds %v", key, got)
		}
	}
}
