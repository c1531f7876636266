package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/broker"
)

// loading is the journal as the index is to hold it.
type loading struct {
	progress
	accounts map[string]*snapshot
	// replaced is the revision of the generation that the journal holds, 0 for none.
	replaced uint64
}

// load brings the whole journal into Redis, under the name of the generation that the journal holds, and returns how far
// it is then. It returns errAnew if the index, or this process, has followed another journal than this one.
func (x *index) load(ctx context.Context, state broker.BucketState, entries map[string]jetstream.KeyValueEntry) (progress, error) {
	l, err := x.gather(state, entries)
	if err != nil {
		return progress{}, err
	}
	if err := x.retire(ctx, l.names); err != nil {
		return progress{}, err
	}
	m, ids, found, err := x.mark(ctx, l.names)
	if err != nil {
		return progress{}, err
	}
	x.mu.Lock()
	mine, has := mark{}, uint64(0)
	if x.names == l.names {
		mine, has = x.progress.mark(), x.found
	}
	l.highest = max(l.highest, ids, x.highest)
	x.mu.Unlock()
	// Other processes may have brought more meanwhile, but not more than the journal has by now.
	now, err := x.bucket.State(ctx)
	if err != nil {
		return progress{}, err
	}
	if m.ahead(now.Last, entries) || mine.ahead(now.Last, entries) {
		return progress{}, x.anew(ctx, l.replaced, l.highest)
	}
	// A mark below the end of the journal is that of an index which has lost something, maybe a removal of which the journal
	// does not tell any more.
	in, err := x.fill(ctx, l, state.Last, !found || m.revision < state.Last)
	if err != nil {
		return progress{}, err
	}
	if has = max(has, in); has > now.Last {
		if now, err = x.bucket.State(ctx); err != nil {
			return progress{}, err
		}
	}
	if has > now.Last {
		return progress{}, x.anew(ctx, l.replaced, l.highest)
	}
	return l.progress, x.touch(ctx, l.names, l.progress.mark(), l.highest)
}

// retire spoils the index of the journal that this process followed before, if that was another one: whoever looks up there
// learns so that there is another, and does not wait for the next comparison.
func (x *index) retire(ctx context.Context, now names) error {
	x.mu.Lock()
	before, accounts := x.names, slices.Collect(maps.Keys(x.seen))
	x.mu.Unlock()
	if before.journal == "" || before.journal == now.journal {
		return nil
	}
	pipe := x.redis.Pipeline()
	for _, account := range accounts {
		pipe.HSet(ctx, before.state(account), "rev", retired)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("give up the index of the journal before: %w", err)
	}
	return nil
}

// retired is the revision of an account in an index of which the journal is gone. It is none, so that nobody believes it.
const retired = "retired"

// gather makes of the journal's entries what the index is to hold.
func (x *index) gather(state broker.BucketState, entries map[string]jetstream.KeyValueEntry) (loading, error) {
	l := loading{accounts: map[string]*snapshot{}}
	var g generation
	if entry, ok := entries[generationKey]; ok {
		l.replaced = entry.Revision()
		var err error
		if entry.Operation() == jetstream.KeyValuePut {
			g, err = decodeGeneration(broker.Entry{Value: entry.Value()})
		}
		if err != nil {
			return l, fmt.Errorf("read the generation of the index: %w", err)
		}
	}
	l.progress = progress{names: namesOf(state.Made, g.Name), seen: map[string]uint64{}, all: state.Last, tip: state.At, latest: state.At}
	for _, entry := range entries {
		account, id := subject(entry)
		l.note(account, id, entry.Revision(), entry.Created())
		if account == "" {
			continue
		}
		if l.accounts[account] == nil {
			l.accounts[account] = &snapshot{}
		}
		x.add(l.accounts[account], entry)
	}
	return l, nil
}

// fill writes the accounts, and returns the highest revision that Redis then has of one. If the index has lost something,
// it replaces all that is not newer than the end of the journal.
func (x *index) fill(ctx context.Context, l loading, end uint64, lost bool) (highest uint64, err error) {
	for _, account := range slices.Sorted(maps.Keys(l.accounts)) {
		s := *l.accounts[account]
		if lost {
			s.revision = max(s.revision, end)
		}
		has, err := x.write(ctx, l.names, account, s, lost)
		if err != nil {
			return 0, err
		}
		highest = max(highest, has)
	}
	return highest, nil
}
