package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
)

// Registry is the journal of webhooks with its index. It is safe for concurrent use. Run must be running for writes to
// return and for look-ups to be answered.
type Registry struct {
	broker *broker.Broker
	index  *index
	sealer *Sealer
	log    *zap.Logger
}

// counter is the key in the bucket WEBHOOKS that holds the last id given; a webhook's key always has a dot.
const counter = "last"

// tries bounds the rounds of a compare-and-set.
const tries = 100

// New makes a registry. Cache bounds the (account, event) pairs whose webhooks are kept in memory.
func New(b *broker.Broker, redis Redis, sealer *Sealer, cache int, log *zap.Logger) (*Registry, error) {
	r := &Registry{broker: b, sealer: sealer, log: log}
	index, err := newIndex(b.Webhooks, redis, cache, r.subscription, log)
	if err != nil {
		return nil, err
	}
	r.index = index
	return r, nil
}

// Run keeps the index up to the journal until the context ends.
func (r *Registry) Run(ctx context.Context) error { return r.index.run(ctx) }

// Ready says why look-ups cannot be answered at the moment, or nil.
func (r *Registry) Ready(ctx context.Context) error { return r.index.ready(ctx) }

// Started is closed when the index holds the journal for the first time.
func (r *Registry) Started() <-chan struct{} { return r.index.started }

// Lookup returns the webhooks of each pair, in one round trip to Redis where nothing changed, or none to one that is this
// node's own. The results are shared: do not modify them.
func (r *Registry) Lookup(ctx context.Context, pairs []Pair) (map[Pair][]*Subscription, error) {
	return r.index.lookup(ctx, pairs)
}

// Gone says whether the webhook was deleted lately, as far as this node has seen: no attempt is to begin any more.
func (r *Registry) Gone(key string) bool { return r.index.gone.Contains(key) }

// Create stores a new, active webhook with an id and a secret of its own, and returns once look-ups find it. Events
// published before are not for it. It returns the secret in the clear, this once.
func (r *Registry) Create(ctx context.Context, w Webhook) (Webhook, string, error) {
	id, err := r.nextID(ctx)
	if err != nil {
		return Webhook{}, "", err
	}
	_, last, err := r.broker.Bounds(ctx)
	if err != nil {
		return Webhook{}, "", err
	}
	secret := delivery.NewSecret()
	w.Version, w.ID, w.Created, w.Active = recordVersion, id, r.broker.Now(), true
	w.Ranges = []Range{{From: 0, To: last + 1}}
	w.Secrets = []string{r.sealer.Seal(secret, w.Key())}
	data, err := json.Marshal(w)
	if err != nil {
		return Webhook{}, "", fmt.Errorf("create webhook %s: %w", w.Key(), err)
	}
	if w.Revision, err = r.broker.Webhooks.Create(ctx, w.Key(), data); err != nil {
		return Webhook{}, "", fmt.Errorf("create webhook %s: %w", w.Key(), err)
	}
	return w, secret, r.index.await(ctx, w.Account, w.Revision)
}

// Get reads a webhook from the journal: ErrNotFound, ErrNewer or ErrUnreadable.
func (r *Registry) Get(ctx context.Context, key string) (Webhook, error) {
	value, revision, err := r.broker.Get(ctx, r.broker.Webhooks, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Webhook{}, fmt.Errorf("webhook %s: %w", key, ErrNotFound)
	}
	if err != nil {
		return Webhook{}, fmt.Errorf("load webhook %s: %w", key, err)
	}
	w, err := decodeEntry(key, value, revision)
	if err != nil {
		return Webhook{}, fmt.Errorf("load webhook %s: %w", key, err)
	}
	return w, nil
}

// List reads all webhooks of an account, by id ascending. A record that cannot be read is reported in the log.
func (r *Registry) List(ctx context.Context, account string) ([]Webhook, error) {
	snapshot, err := r.index.account(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("list the webhooks of %s: %w", account, err)
	}
	return snapshot.webhooks, nil
}

// Update changes a webhook's record: it reads, applies change, and writes by compare-and-set, again on conflict, so
// change must be pure. It returns once the index shows the change. An error of change ends it and writes nothing.
func (r *Registry) Update(ctx context.Context, key string, change func(*Webhook) error) (Webhook, error) {
	for try := range tries {
		w, err := r.Get(ctx, key)
		if err != nil {
			return Webhook{}, err
		}
		if err := change(&w); err != nil {
			return Webhook{}, err
		}
		w.retire(r.broker.Now())
		data, err := json.Marshal(w)
		if err != nil {
			return Webhook{}, fmt.Errorf("write webhook %s: %w", key, err)
		}
		revision, err := r.broker.Webhooks.Update(ctx, key, data, w.Revision)
		if Conflict(err) {
			if err := Pause(ctx, try); err != nil {
				return Webhook{}, err
			}
			continue
		}
		if err != nil {
			return Webhook{}, fmt.Errorf("write webhook %s: %w", key, err)
		}
		w.Revision = revision
		fault.At(fault.Journaled)
		return w, r.index.await(ctx, w.Account, revision)
	}
	return Webhook{}, fmt.Errorf("write webhook %s: %w", key, ErrConflict)
}

// Delete removes a webhook's record and returns once no look-up finds it. Its backlog is the caller's to remove.
func (r *Registry) Delete(ctx context.Context, key string) error {
	for try := range tries {
		w, err := r.Get(ctx, key)
		if err != nil {
			return err
		}
		revision, err := r.broker.Purge(ctx, r.broker.Webhooks, key, w.Revision)
		if Conflict(err) {
			if err := Pause(ctx, try); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("delete webhook %s: %w", key, err)
		}
		return r.index.await(ctx, w.Account, revision)
	}
	return fmt.Errorf("delete webhook %s: %w", key, ErrConflict)
}

// Secrets are the webhook's secrets in the clear, the current one first.
func (r *Registry) Secrets(w Webhook) ([]string, error) {
	secrets := make([]string, 0, len(w.Secrets))
	for _, sealed := range w.Secrets {
		secret, err := r.sealer.Open(sealed, w.Key())
		if err != nil {
			return nil, fmt.Errorf("secret of webhook %s: %w", w.Key(), err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// Rotation is how long the previous secret signs beside a new one, so that receivers have time to take the new one.
const Rotation = 24 * time.Hour

// Rotate gives a webhook a new secret and returns it in the clear, this once, with the time until which the one before
// signs too. A secret from before that one is dropped. It returns once look-ups show the change: ErrNotFound.
func (r *Registry) Rotate(ctx context.Context, key string) (w Webhook, secret string, until time.Time, err error) {
	secret = delivery.NewSecret()
	sealed, now := r.sealer.Seal(secret, key), r.broker.Now()
	w, err = r.Update(ctx, key, func(w *Webhook) error {
		w.Secrets, w.Rotated = append([]string{sealed}, w.Secrets[:min(len(w.Secrets), 1)]...), now
		return nil
	})
	return w, secret, now.Add(Rotation), err
}

// retire drops the previous secret once its time is over.
func (w *Webhook) retire(now time.Time) {
	if len(w.Secrets) > 1 && !now.Before(w.Rotated.Add(Rotation)) {
		w.Secrets = w.Secrets[:1:1]
	}
}

// Target is where attempts for the webhook go.
func (r *Registry) Target(w Webhook) (delivery.Target, error) {
	t := delivery.Target{
		Key: w.Key(), ID: strconv.FormatUint(w.ID, 10), URL: w.URL,
		Headers: w.Settings.Headers, Timeout: w.Settings.Timeout, MaxInFlight: w.Settings.MaxInFlight,
	}
	if !w.Rotated.IsZero() {
		t.Retire = w.Rotated.Add(Rotation)
	}
	if w.Settings.Ordered {
		t.MaxInFlight = 1
	}
	secrets, err := r.Secrets(w)
	if err != nil {
		return t, err
	}
	for _, secret := range secrets {
		key, err := delivery.DecodeSecret(secret)
		if err != nil {
			return t, fmt.Errorf("secret of webhook %s: %w", w.Key(), err)
		}
		t.Secrets = append(t.Secrets, key)
	}
	return t, nil
}

func (r *Registry) subscription(w Webhook) (*Subscription, error) {
	t, err := r.Target(w)
	return &Subscription{Webhook: w, Target: t}, err
}

// nextID draws the next id. Ids are never reused: the counter is raised before an id is used.
func (r *Registry) nextID(ctx context.Context) (uint64, error) {
	for try := range tries {
		entry, err := r.broker.Webhooks.Get(ctx, counter)
		var id, revision uint64
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
		case err != nil:
			return 0, fmt.Errorf("draw an id: %w", err)
		default:
			if id, err = strconv.ParseUint(string(entry.Value()), 10, 64); err != nil {
				return 0, fmt.Errorf("draw an id: read the counter: %w", err)
			}
			revision = entry.Revision()
		}
		id++
		_, err = r.broker.Webhooks.Update(ctx, counter, []byte(strconv.FormatUint(id, 10)), revision)
		if Conflict(err) {
			if err := Pause(ctx, try); err != nil {
				return 0, err
			}
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("draw an id: %w", err)
		}
		return id, nil
	}
	return 0, fmt.Errorf("draw an id: %w", ErrConflict)
}

// Conflict says whether a compare-and-set found another revision.
func Conflict(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}

// Pause waits a little longer and more at random with each conflict.
func Pause(ctx context.Context, try int) error {
	if try < 3 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(rand.IntN(min(try, 20))+1) * time.Millisecond):
		return nil
	}
}
