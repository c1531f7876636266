package registry

import (
	"strings"
	"testing"
)

// What a URL and headers may hold of credentials is in neither the journal nor the index, is used all the same, and is lost to
// nobody who has another key.
func TestTargetsAreSealed(t *testing.T) {
	t.Parallel()
	_, b := newTestAccounts(t)
	key := NewKey()
	sealer, err := NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	r := openRegistry(t, b, sealer)
	const target = "https://hooks.example.org/services/planted-path?token=planted-query"
	headers := map[string]string{"Authorization": "Bearer planted-header"}
	made, _, err := r.Create(t.Context(), Webhook{Account: "demo", App: "a", Event: "optin_finalized", URL: target, Settings: Settings{Headers: headers}})
	if err != nil || made.URL != target || made.Settings.Headers["Authorization"] != "Bearer planted-header" {
		t.Fatalf("made %+v, %v", made, err)
	}
	entry, err := b.Webhooks.Get(t.Context(), made.Key())
	if err != nil || strings.Contains(string(entry.Value), "planted") || !strings.Contains(string(entry.Value), `"url":"https://hooks.example.org/"`) {
		t.Errorf("the record is %s, %v", entry.Value, err)
	}
	changed, err := r.Update(t.Context(), made.Key(), func(w *Webhook) error { w.App = "b"; return nil })
	if err != nil || changed.URL != target {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	listed, err := r.List(t.Context(), "demo")
	if err != nil || len(listed) != 1 || listed[0].URL != target {
		t.Errorf("listed %+v, %v", listed, err)
	}
	if to, err := r.Target(changed); err != nil || to.URL != target || to.Headers["Authorization"] != "Bearer planted-header" {
		t.Errorf("attempts go to %+v, %v", to, err)
	}
	pair := Pair{"demo", "optin_finalized"}
	found, err := r.Lookup(t.Context(), []Pair{pair})
	if err != nil || len(found[pair]) != 1 || found[pair][0].Target.URL != target {
		t.Errorf("looked up %+v, %v", found, err)
	}
	// Another key opens nothing, shows the host, and writes back what it cannot open.
	other, err := NewSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	entry, err = b.Webhooks.Get(t.Context(), made.Key())
	if err != nil {
		t.Fatal(err)
	}
	w, err := other.decode(entry)
	if err != nil || w.URL != "https://hooks.example.org/" || w.Sealed == "" {
		t.Fatalf("with another key: %+v, %v", w, err)
	}
	if _, err := (&Registry{sealer: other}).Target(w); err == nil {
		t.Error("an attempt is made with another key")
	}
	again, err := other.encode(&w)
	if err != nil || !strings.Contains(string(again), w.Sealed) {
		t.Errorf("written back as %s, %v", again, err)
	}
	if w.URL = target; true {
		if _, err := other.encode(&w); err == nil {
			t.Error("a URL is changed beside a target that was sealed with another key")
		}
	}
}
