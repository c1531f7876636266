package registry_test

import (
	"slices"
	"testing"

	"github.com/saumer/saumer/registry"
)

// A webhook for several events is found for each of them, in a look-up like any other, whatever the index loses, and is gone when
// it is deleted.
func severalEvents(t *testing.T, b backend) {
	nats := openBroker(t)
	n, other := newNode(t, nats, b), newNode(t, nats, b)
	create := func(events ...string) registry.Webhook {
		t.Helper()
		w := registry.Webhook{Account: demo, App: "a", URL: "http://a.example/"}
		w.SetEvents(events)
		w, _, err := n.Create(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	check := func(name string, want ...uint64) {
		t.Helper()
		pair, foreign := registry.Pair{Account: demo, Event: name}, registry.Pair{Account: "other", Event: name}
		for _, node := range []node{n, other, n} { // the last time from memory
			found, err := node.Lookup(t.Context(), []registry.Pair{pair, foreign})
			if err != nil || len(found[foreign]) != 0 {
				t.Fatalf("%v, %v", found, err)
			}
			var ids []uint64
			for _, s := range found[pair] {
				ids = append(ids, s.Webhook.ID)
			}
			slices.Sort(ids)
			if !slices.Equal(ids, want) {
				t.Errorf("%s finds %v, want %v", name, ids, want)
			}
		}
	}
	one := create("optin_a")
	check("optin_a", one.ID)
	check("optout")
	several := create("optin_*", "b")
	check("optin_a", one.ID, several.ID)
	check("b", several.ID)
	all := create("*")
	check("optin_b", several.ID, all.ID)
	check("optout", all.ID)
	if _, err := n.Update(t.Context(), several.Key(), func(w *registry.Webhook) error { w.App = "c"; return nil }); err != nil {
		t.Fatal(err)
	}
	b.lose(t)
	check("b", several.ID, all.ID)
	var hash []string
	for _, key := range b.keys(t) {
		if key[len(key)-1] == '*' {
			hash = append(hash, key)
		}
	}
	if len(hash) == 0 {
		t.Fatalf("no key of %v is that of webhooks for several events", b.keys(t))
	}
	b.evict(t, hash...)
	if _, err := other.Update(t.Context(), all.Key(), func(w *registry.Webhook) error { w.App = "d"; return nil }); err != nil {
		t.Fatal(err)
	}
	check("optin_a", one.ID, several.ID, all.ID)
	for _, w := range []registry.Webhook{several, all} {
		if err := n.Delete(t.Context(), w.Key()); err != nil {
			t.Fatal(err)
		}
	}
	check("optin_a", one.ID)
	check("b")
}
