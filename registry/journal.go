package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/record"
)

// Create stores a new, active webhook with an id and a secret of its own, and returns once look-ups find it. Events
// published before are not for it. It returns the secret in the clear, this once. It returns ErrIndex if the index does
// not follow the journal: then nothing was done. If that comes too late, it returns ErrUnindexed beside the webhook and the
// secret: no look-up of this node is answered until the index shows the webhook, so that it gets all that is published
// from then on.
func (r *Registry) Create(ctx context.Context, w Webhook) (Webhook, string, error) {
	if err := r.index.open(ctx, w.Account); err != nil {
		return Webhook{}, "", err
	}
	id, err := r.nextID(ctx)
	if err != nil {
		return Webhook{}, "", err
	}
	bounds, err := r.broker.Bounds(ctx)
	if err != nil {
		return Webhook{}, "", err
	}
	secret := delivery.NewSecret()
	w.Form, w.ID, w.Created, w.Active = w.form(), id, r.broker.Now(), true
	w.Ranges = []Range{NewRange(bounds)}
	w.Secrets = []string{r.sealer.Seal(secret, w.Key())}
	if w.Revision, err = r.webhooks.Create(ctx, w.Key(), w); err != nil {
		return Webhook{}, "", err
	}
	return w, secret, r.index.await(ctx, w.Revision)
}

// Get reads a webhook from the journal: record.ErrNotFound, record.ErrNewer or record.ErrUnreadable.
func (r *Registry) Get(ctx context.Context, key string) (Webhook, error) {
	w, _, err := r.webhooks.Load(ctx, key)
	return w, err
}

// List reads all webhooks of an account, by id ascending. A record that cannot be read is reported in the log.
func (r *Registry) List(ctx context.Context, account string) ([]Webhook, error) {
	snapshot, err := r.index.account(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("list the webhooks of %s: %w", account, err)
	}
	webhooks := make([]Webhook, len(snapshot.webhooks))
	for i, w := range snapshot.webhooks {
		webhooks[i], _ = r.sealer.open(w) // what does not open shows its host
	}
	return webhooks, nil
}

// Update changes a webhook's record as record.Store.Update does, so change must be pure. It returns once the index shows
// the change. An error of change ends it and writes nothing. It returns ErrIndex and has done nothing if the index does not
// follow the journal, and ErrUnindexed beside the webhook if it stopped to follow meanwhile.
func (r *Registry) Update(ctx context.Context, key string, change func(*Webhook) error) (Webhook, error) {
	if err := r.openKey(ctx, key); err != nil {
		return Webhook{}, err
	}
	w, revision, err := r.webhooks.Update(ctx, key, func(w *Webhook) error {
		if err := change(w); err != nil {
			return err
		}
		w.retire(r.broker.Now())
		return nil
	})
	if err != nil {
		return Webhook{}, err
	}
	w.Revision = revision
	fault.At(fault.Journaled)
	return w, r.index.await(ctx, revision)
}

// Shows returns once the index shows all that the journal has: an error if it does not follow it, or takes long.
func (r *Registry) Shows(ctx context.Context) error { return r.index.catchUp(ctx) }

// Put writes a webhook that was read, if nobody has changed it meanwhile: record.ErrConflict. It returns it with its new
// revision, once the index shows the change. It returns ErrIndex and ErrUnindexed as Update does.
func (r *Registry) Put(ctx context.Context, w Webhook) (Webhook, error) {
	if err := r.index.open(ctx, w.Account); err != nil {
		return Webhook{}, err
	}
	w.retire(r.broker.Now())
	revision, err := r.webhooks.Write(ctx, w.Key(), &w, w.Revision)
	if err != nil {
		return Webhook{}, err
	}
	w.Revision = revision
	fault.At(fault.Journaled)
	return w, r.index.await(ctx, revision)
}

// Walk calls each with every webhook that can be read, until it returns an error, which Walk then returns. A webhook may be a
// little old.
func (r *Registry) Walk(ctx context.Context, each func(Webhook) error) error {
	return r.webhooks.Walk(ctx, func(_ string, w Webhook, err error) error {
		if err != nil {
			return nil
		}
		return each(w)
	})
}

// Since calls each with every webhook whose record was written after a revision, with the revision of each, as
// record.Store.Since does. What is in the bucket besides webhooks is left out.
func (r *Registry) Since(ctx context.Context, revision uint64, each func(key string, w Webhook, revision uint64, err error) error) error {
	return r.webhooks.Since(ctx, revision, func(key string, w Webhook, revision uint64, err error) error {
		if _, _, other := parseKey(key); other != nil {
			return nil
		}
		return each(key, w, revision, err)
	})
}

// Delete removes a webhook's record and returns once no look-up finds it: record.ErrNotFound, record.ErrNewer or
// record.ErrUnreadable. Its backlog is the caller's to remove. It returns ErrIndex and ErrUnindexed as Update does.
func (r *Registry) Delete(ctx context.Context, key string) error {
	if err := r.openKey(ctx, key); err != nil {
		return err
	}
	_, revision, err := r.webhooks.Update(ctx, key, func(*Webhook) error { return record.ErrGone })
	if err != nil {
		return err
	}
	return r.index.await(ctx, revision)
}

// openKey is index.open for a webhook's key. A key that no webhook can have is left for the journal to refuse.
func (r *Registry) openKey(ctx context.Context, key string) error {
	account, _, err := parseKey(key)
	if err != nil {
		return nil // the journal does not have it, and says so
	}
	return r.index.open(ctx, account)
}

// secrets are the webhook's secrets in the clear, the current one first.
func (r *Registry) secrets(w Webhook) ([]string, error) {
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

// rotation is how long the previous secret signs beside a new one, so that receivers have time to take the new one.
const rotation = 24 * time.Hour

// Rotate gives a webhook a new secret and returns it in the clear, this once, with the time until which the one before
// signs too. A secret from before that one is dropped. It returns once look-ups show the change: record.ErrNotFound, and
// ErrIndex and ErrUnindexed as Update does.
func (r *Registry) Rotate(ctx context.Context, key string) (w Webhook, secret string, until time.Time, err error) {
	secret = delivery.NewSecret()
	sealed, now := r.sealer.Seal(secret, key), r.broker.Now()
	w, err = r.Update(ctx, key, func(w *Webhook) error {
		w.Secrets, w.Rotated = append([]string{sealed}, w.Secrets[:min(len(w.Secrets), 1)]...), now
		return nil
	})
	return w, secret, now.Add(rotation), err
}

// PreviousUntil is until when the secret before the current one signs too; zero if none does at this time.
func (w *Webhook) PreviousUntil(now time.Time) time.Time {
	if until := w.Rotated.Add(rotation); len(w.Secrets) > 1 && now.Before(until) {
		return until
	}
	return time.Time{}
}

// retire drops the previous secret once its time is over.
func (w *Webhook) retire(now time.Time) {
	if len(w.Secrets) > 1 && w.PreviousUntil(now).IsZero() {
		w.Secrets = w.Secrets[:1:1]
	}
}

// Target is where attempts for the webhook go.
func (r *Registry) Target(w Webhook) (delivery.Target, error) {
	w, locked := r.sealer.open(w)
	t := delivery.Target{
		Key: w.Key(), ID: strconv.FormatUint(w.ID, 10), URL: w.URL,
		Headers: w.Settings.Headers, Timeout: w.Settings.Timeout, MaxInFlight: w.Settings.MaxInFlight,
	}
	if !w.Rotated.IsZero() {
		t.Retire = w.Rotated.Add(rotation)
	}
	if w.Settings.Ordered {
		t.MaxInFlight = 1
	}
	if locked != nil {
		return t, locked
	}
	secrets, err := r.secrets(w)
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
	program, wrong := filter.Compile(w.Filter)
	return &Subscription{Webhook: w, Target: t, Filter: program}, errors.Join(err, wrong)
}
