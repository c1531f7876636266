package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/record"
)

// Pair names the webhooks of one account for one event.
type Pair struct{ Account, Event string }

// Subscription is a webhook as the live path needs it.
type Subscription struct {
	Webhook Webhook
	Target  delivery.Target
	// Newer is true if a newer version of Saumer wrote the webhook's record, and nothing else is known of it: its events
	// are for a node of that version.
	Newer bool
	// Locked is true if no attempt can be made, since the webhook's secrets do not open with this process's key: its
	// events are for its backlog.
	Locked bool
}

// index is the copy of the journal in Redis that look-ups read.
//
// Every account has one hash, its state: "rev" is the highest revision of the journal that was applied, and
// "v:<event>" the revision of the last change to the webhooks of that event. Beside it, a hash for each event holds
// id → record. All keys of an account carry its name as hash tag, so a script has them on one node of a cluster.
//
// This node's watch sees the account's changes in the journal's order, and applies each with the revision of the one
// before: if Redis is not at least there, it has lost something, and the account is read again from the journal and
// replaced. If it is there, nothing up to that revision is missing, by induction. Likewise a look-up takes Redis's
// word only if it is not behind what this node has seen. An empty, flushed or rolled back Redis heals by that.
type index struct {
	bucket *broker.Bucket
	// redis is set before the index is used.
	redis  redis.UniversalClient
	prefix string
	parse  func(Webhook) (*Subscription, error)
	log    *zap.Logger
	cache  *lru.Cache[Pair, cached]
	// deleted are the keys of webhooks that were removed lately.
	deleted *lru.Cache[string, struct{}]
	// private is true if nobody else writes to Redis: then what was looked up holds until the watch brings something.
	private bool
	// asksJournal is true if other processes write to the journal and have an index of their own: then every look-up first
	// makes sure that this one is up to date.
	asksJournal bool
	// reconnected is set by a new connection to Redis, which may lead to another, older one: then the next look-up does.
	reconnected atomic.Bool

	started   chan struct{}
	startOnce sync.Once

	mu sync.Mutex
	// seen is the highest revision of each account that the watch brought, all that of the bucket.
	seen map[string]uint64
	all  uint64
	// highest is the highest id of a webhook, removed or not, that the watch brought.
	highest uint64
	// moved is closed and replaced when seen moves.
	moved chan struct{}
}

// deletedKept bounds the removed webhooks that are remembered. What was looked up before a removal is attempted within
// seconds, so that many are enough.
const deletedKept = 65_536

// cached are the webhooks of a pair: version is Redis's, seen what this node had seen of the account before it asked.
type cached struct {
	version       string
	seen          uint64
	subscriptions []*Subscription
}

func newIndex(bucket *broker.Bucket, cache int, parse func(Webhook) (*Subscription, error), log *zap.Logger) (*index, error) {
	c, err := lru.New[Pair, cached](cache)
	if err != nil {
		return nil, fmt.Errorf("make the index's cache: %w", err)
	}
	deleted, err := lru.New[string, struct{}](deletedKept)
	if err != nil {
		return nil, fmt.Errorf("make the index's cache: %w", err)
	}
	return &index{
		bucket: bucket, deleted: deleted, parse: parse, log: log, cache: c,
		started: make(chan struct{}), seen: map[string]uint64{}, moved: make(chan struct{}),
	}, nil
}

// The keys are named after the journal's birth, so that a Redis which served another journal does no harm.
func (x *index) state(account string) string        { return x.prefix + "{" + account + "}" }
func (x *index) webhooks(account, ev string) string { return x.state(account) + ":" + ev }

// applyScript brings one change of the journal into the index.
//
//	KEYS[1] the account's state, KEYS[2] the hash of the record's event (none for a removal)
//	ARGV    revision before, revision, id, record ("" for a removal)
//	result  1 applied or there already, 0 Redis lost something: replace the account
//
// A removal touches the hashes of all events of the account; their names follow from the state, on the same slot.
var applyScript = redis.NewScript(`
local rev = tonumber(redis.call('HGET', KEYS[1], 'rev') or '0')
if rev < tonumber(ARGV[1]) then return 0 end
if rev >= tonumber(ARGV[2]) then return 1 end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  redis.call('HSET', KEYS[1], 'v:' .. string.sub(KEYS[2], #KEYS[1] + 2), ARGV[2])
else
  for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(f, 1, 2) == 'v:' and redis.call('HDEL', KEYS[1] .. ':' .. string.sub(f, 3), ARGV[3]) == 1 then
      redis.call('HSET', KEYS[1], f, ARGV[2])
    end
  end
end
redis.call('HSET', KEYS[1], 'rev', ARGV[2])
return 1`)

// replaceScript replaces all of an account.
//
//	KEYS[1] the account's state
//	ARGV    revision, then event, id, record of each webhook
//	result  1 replaced, 0 Redis is at this revision already
var replaceScript = redis.NewScript(`
if tonumber(redis.call('HGET', KEYS[1], 'rev') or '0') >= tonumber(ARGV[1]) then return 0 end
for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(f, 1, 2) == 'v:' then redis.call('DEL', KEYS[1] .. ':' .. string.sub(f, 3)) end
end
redis.call('DEL', KEYS[1])
for i = 2, #ARGV, 3 do
  redis.call('HSET', KEYS[1] .. ':' .. ARGV[i], ARGV[i + 1], ARGV[i + 2])
  redis.call('HSET', KEYS[1], 'v:' .. ARGV[i], ARGV[1])
end
redis.call('HSET', KEYS[1], 'rev', ARGV[1])
return 1`)

// fetchScript reads the webhooks of a pair with their version.
//
//	KEYS[1] the account's state, KEYS[2] the event's hash
//	ARGV[1] the event
//	result  revision, version, records
var fetchScript = redis.NewScript(`
return {redis.call('HGET', KEYS[1], 'rev') or '0', redis.call('HGET', KEYS[1], 'v:' .. ARGV[1]) or '', redis.call('HVALS', KEYS[2])}`)

// apply brings one change that the watch saw into Redis.
func (x *index) apply(ctx context.Context, entry jetstream.KeyValueEntry) error {
	account, id, err := parseKey(entry.Key())
	if err != nil {
		return nil // the counter of ids, not a webhook
	}
	x.mu.Lock()
	before := x.seen[account]
	x.mu.Unlock()
	// What cannot be read leaves the index, as a reading of the whole journal would have it.
	keys, record := []string{x.state(account)}, ""
	if entry.Operation() != jetstream.KeyValuePut {
		x.deleted.Add(entry.Key(), struct{}{})
	} else if w, kept, _ := x.read(entry); kept {
		keys, record = append(keys, x.webhooks(account, w.Event)), string(entry.Value())
	}
	done, err := applyScript.Run(ctx, x.redis, keys, before, entry.Revision(), id, record).Int()
	if err == nil && done == 0 {
		err = x.replace(ctx, account)
	}
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

// replace brings an account as a whole into Redis.
func (x *index) replace(ctx context.Context, account string) error {
	s, err := x.account(ctx, account)
	if err != nil {
		return err
	}
	return x.write(ctx, account, s)
}

func (x *index) write(ctx context.Context, account string, s snapshot) error {
	return replaceScript.Run(ctx, x.redis, []string{x.state(account)}, append([]any{s.revision}, s.records...)...).Err()
}

// ready says why look-ups cannot be answered.
func (x *index) ready(ctx context.Context) error {
	select {
	case <-x.started:
	default:
		return errors.New("the index is not built yet")
	}
	if err := x.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("reach Redis: %w", err)
	}
	return nil
}

// await returns when this node's watch has brought the account to a revision.
func (x *index) await(ctx context.Context, account string, revision uint64) error {
	return x.wait(ctx, func() bool { return x.seen[account] >= revision })
}

// catchUp returns when this node's watch has brought all that the journal holds now.
func (x *index) catchUp(ctx context.Context) error {
	last, _, err := x.bucket.State(ctx)
	if err != nil {
		return err
	}
	return x.wait(ctx, func() bool { return x.all >= last })
}

// patience is how long a write waits for the index to show it.
const patience = 30 * time.Second

func (x *index) wait(ctx context.Context, reached func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the index does not follow the journal; is Redis there?"))
	defer cancel()
	for {
		x.mu.Lock()
		done, moved := reached(), x.moved
		x.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-moved:
		}
	}
}

// advance takes down that the watch has brought an account, "" for none, to a revision, and with it webhooks up to an id.
func (x *index) advance(account string, id, revision uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if account != "" {
		x.seen[account] = max(x.seen[account], revision)
	}
	x.highest = max(x.highest, id)
	x.all = max(x.all, revision)
	close(x.moved)
	x.moved = make(chan struct{})
}

// highestID is the highest id of a webhook that the journal has, or has had as far as this node saw.
func (x *index) highestID(ctx context.Context) (uint64, error) {
	select {
	case <-x.started:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if err := x.catchUp(ctx); err != nil {
		return 0, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.highest, nil
}

// load brings the whole journal into Redis: the entries that a watch brings before its first nil.
func (x *index) load(ctx context.Context, entries map[string]jetstream.KeyValueEntry) error {
	accounts := map[string]*snapshot{}
	for key, entry := range entries {
		account, _, err := parseKey(key)
		if err != nil {
			continue
		}
		s := accounts[account]
		if s == nil {
			s = &snapshot{}
			accounts[account] = s
		}
		x.add(s, entry)
	}
	for _, account := range slices.Sorted(maps.Keys(accounts)) {
		if err := x.write(ctx, account, *accounts[account]); err != nil {
			return fmt.Errorf("bring the journal into the index: %w", err)
		}
		x.advance(account, accounts[account].highest, accounts[account].revision)
	}
	return nil
}

func (x *index) name(created time.Time) {
	x.prefix = "saumer:" + strings.ToLower(strconv.FormatInt(created.UnixMilli(), 36)) + ":"
}
