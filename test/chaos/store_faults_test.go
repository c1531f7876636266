package chaos

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// storeTroubles are what happens to the stores of some of three NATS.
func storeTroubles() []trouble {
	return []trouble{
		watched(unready, trouble{"nats: the quorum is lost and comes back", lostAcks, func(w *world) {
			two := w.rng.Perm(len(w.nats))[:2]
			for _, i := range two {
				w.nats[i].Kill()
			}
			w.pass(2 * fresh)
			for _, i := range two {
				w.must(w.nats[i].Start())
			}
			w.settle()
			w.current()
		}}),
		watched(either, trouble{"nats: one node's store is wiped", lostAcks, func(w *world) {
			w.injure(w.rng.IntN(len(w.nats)), func(n string) error { return os.RemoveAll(filepath.Join(n, "jetstream")) })
		}}),
		watched(either, trouble{"nats: a flipped bit in one of three stores", lostAcks, func(w *world) {
			w.injure(w.rng.IntN(len(w.nats)), func(n string) error { return flip(block(n)) })
		}}),
		watched(either, trouble{"nats: a truncated block in one of three stores", lostAcks, func(w *world) {
			w.injure(w.rng.IntN(len(w.nats)), func(n string) error { return halve(block(n)) })
		}}),
		watched(either, trouble{"nats: one of three nodes loses its power", lostAcks, func(w *world) { w.powerLoss() }}),
	}
}

// injure does something to the store of a NATS that was killed, starts it, and has it lead the stream while what waits for
// a webhook is read from the part of the store that was injured.
func (w *world) injure(i int, harm func(dir string) error) {
	w.t.Helper()
	waits := w.hooks[1]
	w.must(waits.set(refuses))
	w.pass(hold / 2)
	n := w.nats[i]
	n.Kill()
	w.must(harm(n.Dir))
	w.must(n.Start())
	w.current()
	w.lead(i)
	w.must(waits.set(healthy))
	w.pass(time.Second)
	w.settle()
	w.current()
}

// block is the newest block of the stream of events in the store of a NATS.
func block(dir string) (path string, err error) {
	all, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "EVENTS", "msgs", "*.blk"))
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("there is no block of the stream of events in %s", dir)
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return all[len(all)-1], nil
}

// flip flips a bit in the last tenth of a file.
func flip(path string, err error) error {
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content[len(content)*95/100] ^= 4
	return os.WriteFile(path, content, 0o600)
}

// halve cuts the second half of a file off, which may end in the middle of a message.
func halve(path string, err error) error {
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}

// powerLoss sets each directory of a node's store back to what it was at a moment of its own in the last interval between
// two syncs, as a loss of power does.
func (w *world) powerLoss() {
	w.t.Helper()
	w.must(w.hooks[1].set(refuses)) // so that more than the live path writes
	n := w.nats[w.rng.IntN(len(w.nats))]
	copies := filepath.Join(w.t.TempDir(), "copies")
	stores, err := filepath.Glob(filepath.Join(n.Dir, "jetstream", "*", "*", "*"))
	w.must(err)
	w.rng.Shuffle(len(stores), func(i, j int) { stores[i], stores[j] = stores[j], stores[i] })
	for _, store := range stores {
		w.pass(diskSync / time.Duration(len(stores)))
		w.must(copyStore(filepath.Join(copies, strings.TrimPrefix(store, n.Dir)), store))
	}
	n.Kill()
	for _, store := range stores {
		w.must(os.RemoveAll(store))
		w.must(copyStore(store, filepath.Join(copies, strings.TrimPrefix(store, n.Dir))))
	}
	w.must(n.Start())
	w.must(w.hooks[1].set(healthy))
	w.settle()
	w.current()
}

// copyStore copies a directory that may be written to meanwhile; a file that goes away is left out.
func copyStore(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}
