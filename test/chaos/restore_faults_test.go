package chaos

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/saumer/saumer/test/process"
)

// restoreTroubles are the restore of single streams and buckets from a copy that is older than all others.
func restoreTroubles() []trouble {
	var all []trouble
	for _, names := range [][]string{
		{"EVENTS"}, {"WAKES"}, {"KV_WEBHOOKS"}, {"KV_BACKLOGS"}, {"KV_POSITIONS"},
		{"ATTEMPTS", "NOTICES", "REJECTED", "STATS", "KV_ACCOUNTS"},
	} {
		all = append(all, watched(either, trouble{"embedded: an older copy of " + strings.Join(names, ", ") + " is restored", setBack, func(w *world) {
			w.restore(names)
		}}))
	}
	return all
}

// restore sets streams back to what they were before endpoints failed, events were handed over and a webhook was made.
func (w *world) restore(names []string) {
	w.t.Helper()
	copies := filepath.Join(w.dir, "copies")
	data := filepath.Join(w.dir, "worker0", "data", "nats")
	w.must(w.workers[0].Stop())
	before := w.pub.count()
	for _, name := range names {
		store, err := process.Store(data, name)
		w.must(err)
		w.must(os.CopyFS(filepath.Join(copies, name), os.DirFS(store)))
	}
	w.start(0)
	w.must(w.hooks[1].set(refuses))
	w.must(w.hooks[2].set(some500))
	added := w.hook("made after the copy", plain)
	w.pass(2 * time.Second)
	w.must(w.workers[0].Stop())
	for _, name := range names {
		store, err := process.Store(data, name)
		w.must(err)
		w.must(os.RemoveAll(store))
		w.must(os.CopyFS(store, os.DirFS(filepath.Join(copies, name))))
	}
	w.must(os.RemoveAll(copies))
	switch names[0] {
	case "EVENTS":
		for n := before; n < w.pub.count(); n++ {
			w.gone[n] = true
		}
	case "KV_WEBHOOKS":
		w.forget(added)
	}
	w.start(0)
	w.must(w.hooks[1].set(healthy))
	w.must(w.hooks[2].set(healthy))
	later := w.hook("made after the restore", plain)
	if later.id <= added.id {
		w.t.Errorf("a webhook has the id %d, though one had %d before", later.id, added.id)
	}
	w.settle()
	w.remove(later)
	if names[0] != "KV_WEBHOOKS" {
		w.remove(added)
	}
}
