package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/record"
)

// Pair names the webhooks of one account for one event.
type Pair struct{ Account, Event string }

// Subscription is a webhook as the live path needs it.
type Subscription struct {
	Webhook Webhook
	Target  delivery.Target
	// Filter leaves out events that are not for the webhook; nil: none.
	Filter *filter.Program
	// Newer is true if a newer version of Saumer wrote the webhook's record, and nothing else is known of it: its events
	// are for a node of that version.
	Newer bool
	// Locked is true if no attempt can be made, since the webhook's secrets do not open with this process's key: its
	// events are for its backlog.
	Locked bool
}

// index is the copy of the journal in Redis that look-ups read.
//
// Every account has one hash, its state: "rev" is the highest revision of the journal that was applied, and "v:<event>" the
// version of that event's hash, which is the revision of its last change and the number of its webhooks. Beside it, a hash
// for each event holds id → record, and its own version under "v". All keys of an account carry its name as hash tag, so a
// script has them on one node of a cluster.
//
// This node's watch sees the account's changes in the journal's order, and applies each with the revision of the one
// before: if Redis is not at least there, it has lost something, and the account is read again from the journal and
// replaced. If it is there, nothing up to that revision is missing, by induction. Likewise a look-up takes Redis's
// word only if it is not behind what this node has seen. A key that is not there is never taken for an empty one, and a
// hash only with the version that belongs to it. So an empty, flushed or rolled back Redis heals, and one that has
// evicted some of its keys.
type index struct {
	bucket *broker.Bucket
	// redis is set before the index is used.
	redis redis.UniversalClient
	parse func(Webhook) (*Subscription, error)
	log   *zap.Logger
	cache *cache
	// deleted are the keys of webhooks that were removed lately.
	deleted *lru.Cache[string, struct{}]
	// ids is the counter of ids, generations the generation of the index; both are in the bucket.
	ids         record.Store[uint64]
	generations record.Store[generation]
	// private is true if nobody else writes to Redis: then what was looked up holds until the watch brings something.
	private bool
	// asksJournal is true if other processes write to the journal and have an index of their own: then every look-up first
	// makes sure that this one is up to date.
	asksJournal bool
	// connections counts those to Redis that were made. A new one may lead to another Redis, an older one: the next
	// look-up makes sure that it does not, and notes in checked for how many it has.
	connections, checked atomic.Uint64

	started   chan struct{}
	startOnce sync.Once
	// doubts has the watch look at whether it can go on.
	doubts chan struct{}

	mu sync.Mutex
	progress
	// link is the number of the connection to NATS over which the journal was compared.
	link uint64
	// stands is why the index does not follow the journal, nil if it does; it has not since stood.
	stands error
	stood  time.Time
	// refusals counts the calls of refuse.
	refusals uint64
	// found is the highest revision in Redis that the journal did not have when it was asked.
	found   uint64
	waiters waiters
}

// deletedKept bounds the removed webhooks that are remembered. What was looked up before a removal is attempted within
// seconds, so that many are enough.
const deletedKept = 65_536

func newIndex(bucket *broker.Bucket, size int, parse func(Webhook) (*Subscription, error), log *zap.Logger) (*index, error) {
	c, err := newCache(size)
	if err != nil {
		return nil, err
	}
	deleted, err := lru.New[string, struct{}](deletedKept)
	if err != nil {
		return nil, fmt.Errorf("make the index's cache: %w", err)
	}
	return &index{
		bucket: bucket, deleted: deleted, parse: parse, log: log, cache: c,
		ids:         record.Store[uint64]{Bucket: bucket, Name: "counter of ids", Decode: decodeCounter, Encode: encodeCounter},
		generations: record.Store[generation]{Bucket: bucket, Name: "generation of the index", Decode: decodeGeneration, Encode: encodeGeneration},
		started:     make(chan struct{}), doubts: make(chan struct{}, 1),
		stands: errors.New("it is not built yet"), stood: time.Now(),
	}, nil
}

// restore replaces an account of which Redis has lost something.
func (x *index) restore(ctx context.Context, n names, account string) error {
	s, err := x.account(ctx, account)
	if err != nil {
		return err
	}
	_, err = x.write(ctx, n, account, s, false)
	return err
}

// read makes the webhook of an entry, and says whether the index keeps it and whether it is known. Of a newer form only
// the event is known: it is kept as it is, for the nodes that know it. What cannot be read at all is reported and left as
// it is.
func (x *index) read(entry jetstream.KeyValueEntry) (w Webhook, kept, known bool) {
	w, err := decodeWebhook(broker.Entry{Key: entry.Key(), Value: entry.Value(), Revision: entry.Revision(), Written: entry.Created()})
	if err != nil {
		x.log.Error("a webhook's record cannot be used, and is left as it is", zap.String("webhook", entry.Key()), zap.Error(err))
	}
	return w, err == nil || errors.Is(err, record.ErrNewer) && w.Event != "", err == nil
}

// snapshot is an account as the journal has it.
type snapshot struct {
	webhooks []Webhook
	records  []any // event, id, record of each
	revision uint64
	highest  uint64 // the highest id, of removed webhooks as well
}

// account reads an account from the journal.
func (x *index) account(ctx context.Context, account string) (snapshot, error) {
	x.mu.Lock()
	s := snapshot{revision: x.seen[account]}
	x.mu.Unlock()
	watch, err := x.bucket.Watch(ctx, account+".*")
	if err != nil {
		return s, fmt.Errorf("read the webhooks of %s from the journal: %w", account, err)
	}
	defer func() { _ = watch.Stop() }() // an error means that the connection is gone, and the watch with it
	latest := map[string]jetstream.KeyValueEntry{}
	for {
		select {
		case <-ctx.Done():
			return s, context.Cause(ctx)
		case entry, ok := <-watch.Updates():
			if !ok {
				return s, errors.New("the journal's watch ended")
			}
			if entry != nil {
				s.revision = max(s.revision, entry.Revision())
				latest[entry.Key()] = entry
				continue
			}
		}
		break
	}
	for _, entry := range latest {
		x.add(&s, entry)
	}
	slices.SortFunc(s.webhooks, func(a, b Webhook) int { return cmp.Compare(a.ID, b.ID) })
	return s, nil
}

// add adds an entry of the journal to a snapshot.
func (x *index) add(s *snapshot, entry jetstream.KeyValueEntry) {
	s.revision = max(s.revision, entry.Revision())
	_, id, err := parseKey(entry.Key())
	if err != nil {
		return
	}
	s.highest = max(s.highest, id)
	if entry.Operation() != jetstream.KeyValuePut {
		return
	}
	w, kept, known := x.read(entry)
	if kept {
		s.records = append(s.records, w.Event, id, entry.Value())
	}
	if known {
		s.webhooks = append(s.webhooks, w)
	}
}

// write brings an account as a whole into Redis, and returns the revision that Redis then has: it keeps what is newer. It
// also keeps what is whole and at the same revision, unless forced.
func (x *index) write(ctx context.Context, n names, account string, s snapshot, force bool) (uint64, error) {
	forced := 0
	if force {
		forced = 1
	}
	answer, err := replaceScript.Run(ctx, x.redis, []string{n.state(account)}, append([]any{s.revision, forced}, s.records...)...).Text()
	if err != nil {
		return 0, fmt.Errorf("bring the webhooks of %s into the index: %w", account, err)
	}
	return revision(answer), nil
}

// heal brings accounts that Redis has lost, or holds in part, into it again.
func (x *index) heal(ctx context.Context, n names, accounts []string) error {
	x.mu.Lock()
	unseen := slices.ContainsFunc(accounts, func(account string) bool { return x.seen[account] == 0 })
	x.mu.Unlock()
	if unseen {
		// What the journal has not brought to a node that is up to date, it does not have.
		if err := x.catchUp(ctx); err != nil {
			return err
		}
	}
	for _, account := range accounts {
		x.mu.Lock()
		s, empty := snapshot{revision: x.all}, x.seen[account] == 0
		x.mu.Unlock()
		if !empty {
			x.log.Warn("redis has lost webhooks; the account is read again", zap.String("account", account))
			var err error
			if s, err = x.account(ctx, account); err != nil {
				return err
			}
		}
		has, err := x.write(ctx, n, account, s, empty)
		if err != nil {
			return err
		}
		if empty && has > s.revision {
			x.suspect(has)
		}
	}
	return nil
}

// suspect has the watch make sure that the journal has a revision which Redis has of an account that the journal has not.
func (x *index) suspect(has uint64) {
	x.mu.Lock()
	x.found = max(x.found, has)
	x.mu.Unlock()
	x.refuse(errors.New("redis has an account that the journal does not have"))
}
