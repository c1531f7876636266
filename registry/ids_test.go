package registry

import "testing"

// No id is given twice, whatever backups the counter and the webhooks are from.
func TestIDsAfterARestore(t *testing.T) {
	t.Parallel()
	_, b := newTestAccounts(t)
	sealer, err := NewSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	r := openRegistry(t, b, sealer)
	ctx := t.Context()
	restore := func(key, data string) {
		t.Helper()
		entry, _ := b.Webhooks.Get(ctx, key) // none has the revision 0
		if _, err := b.Webhooks.Put(ctx, key, []byte(data), entry.Revision); err != nil {
			t.Fatal(err)
		}
	}
	next := func(r *Registry, want uint64) {
		t.Helper()
		if w, _, err := r.Create(ctx, Webhook{Account: "demo", Event: "x", URL: "https://h/"}); err != nil || w.ID != want {
			t.Errorf("the id %d, %v; want %d", w.ID, err, want)
		}
	}
	next(r, 1)
	next(r, 2)
	restore(counter, "1")
	next(r, 3)
	restore("other.10", `{"v":99,"event":"x"}`)
	next(r, 11)
	// Deleted webhooks count, and so does a counter that is ahead.
	if err := r.Delete(ctx, "demo.11"); err != nil {
		t.Fatal(err)
	}
	restore(counter, "0")
	next(r, 12)
	restore(counter, "20")
	next(openRegistry(t, b, sealer), 21)
	restore(counter, "3")
	next(openRegistry(t, b, sealer), 22)
	// A copy of before, and an index in the process, which was started anew.
	stream, err := b.JetStream.Stream(ctx, "KV_WEBHOOKS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	next(openRegistry(t, b, sealer), 23)
	for _, broken := range []string{"x", `{"v":1}`} {
		restore(counter, broken)
		if w, _, err := r.Create(ctx, Webhook{Account: "demo", Event: "x", URL: "https://h/"}); err == nil {
			t.Errorf("the id %d by the counter %s", w.ID, broken)
		}
	}
}
