package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of changes; match them with errors.Is.
var (
	// ErrIndex is returned for a change that was not begun: the index does not follow the journal at the moment.
	ErrIndex = errors.New("webhooks cannot be changed at the moment: the index does not follow the journal")
	// ErrUnindexed is returned beside the result of a change that is made: look-ups will show it once the index follows.
	ErrUnindexed = errors.New("the change is made; look-ups show it once the index follows the journal")
)

// errSlow says that what a change or a look-up waits for has not come yet.
var errSlow = errors.New("the index follows the journal slowly")

const (
	// patience is how long a write waits for the index to show it, and a look-up for the index to follow.
	patience = 5 * time.Second
	// brief is how long the index may have stood still for a change to be begun: a connection may be made anew in that.
	brief = 2 * time.Second
)

// progress is what this process has brought into the index.
type progress struct {
	names names
	// seen is the highest revision of each account that has a change in the journal.
	seen map[string]uint64
	// all is the highest revision of the bucket, written at the time tip; latest is the latest time of all up to it.
	all         uint64
	tip, latest time.Time
	// highest is the highest id of a webhook, removed or not.
	highest uint64
}

// note takes down a change. Account is "" for none.
func (p *progress) note(account string, id, revision uint64, at time.Time) {
	if account != "" {
		p.seen[account] = max(p.seen[account], revision)
	}
	p.highest = max(p.highest, id)
	if revision > p.all {
		p.all, p.tip = revision, at
	}
	if at.After(p.latest) {
		p.latest = at
	}
}

// sole says whether there is no webhook but the first one.
func (x *index) sole() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.highest <= 1
}

// mark is the progress as the index notes it.
func (p *progress) mark() mark { return mark{p.all, p.latest} }

// begun says that the index holds the journal up to p. It returns why it does not, if it was refused after the given
// number of refusals.
func (x *index) begun(p progress, link, refusals uint64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.refusals != refusals {
		return x.stands
	}
	// The watch has not brought what came while it stood still.
	x.cache.purge()
	if x.names != p.names {
		x.deleted.Purge() // those were of another index
	}
	p.highest = max(p.highest, x.highest)
	x.progress, x.link, x.stands, x.found = p, link, nil, 0
	x.waiters.wake()
	return nil
}

// stop says that the index does not follow the journal any more.
func (x *index) stop(why error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stands == nil {
		x.stood = time.Now()
	}
	x.stands = why
}

// standstillLocked says why the index does not follow the journal, or nil. After a reconnect it does not until the
// journal has been compared: NATS may have come back with an older one. x.mu is held.
func (x *index) standstillLocked() error {
	if x.stands != nil {
		return fmt.Errorf("the index has not followed the journal for %s: %w", time.Since(x.stood).Round(time.Millisecond), x.stands)
	}
	link, connected := x.bucket.Link()
	if !connected {
		return errors.New("the index does not follow the journal: not connected to NATS")
	}
	if link != x.link {
		x.doubt()
		return errors.New("the index does not follow the journal: it is compared after a reconnect to NATS")
	}
	return nil
}

// doubt has the watch compare the journal with what it has followed. It does not block.
func (x *index) doubt() {
	select {
	case x.doubts <- struct{}{}:
	default: // one doubt is enough
	}
}

// refuse ends the answers of the index at once, and has the watch begin anew.
func (x *index) refuse(why error) {
	x.mu.Lock()
	x.refusals++
	x.mu.Unlock()
	x.stop(why)
	x.doubt()
}

// wait returns when the index follows the journal and this node's watch has brought it to a revision. It waits for a time at
// most, and says why in vain.
func (x *index) wait(ctx context.Context, most time.Duration, revision uint64) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		x.mu.Lock()
		if x.standstillLocked() == nil && x.all >= revision {
			x.mu.Unlock()
			return nil
		}
		woken := x.waiters.add(revision)
		x.mu.Unlock()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			x.mu.Lock()
			defer x.mu.Unlock()
			return cmp.Or(x.standstillLocked(), errSlow)
		case <-woken:
		}
	}
}

// await returns when this node's watch has brought the journal to a revision: ErrUnindexed if that takes too long.
func (x *index) await(ctx context.Context, revision uint64) error {
	if err := x.wait(ctx, patience, revision); err != nil {
		return fmt.Errorf("%w: %w", ErrUnindexed, err)
	}
	return nil
}

// catchUp returns when this node's watch has brought all that the journal holds now. A journal that ends before what the
// watch has brought is another one, which the watch then begins anew with.
func (x *index) catchUp(ctx context.Context) error {
	if err := x.wait(ctx, patience, 0); err != nil {
		return err
	}
	last, err := x.same(ctx)
	if err != nil {
		return err
	}
	return x.wait(ctx, patience, last)
}

// same makes sure that the journal is the one that the watch follows, and returns its last revision. If it is not, the index
// begins anew.
func (x *index) same(ctx context.Context) (last uint64, err error) {
	x.mu.Lock()
	brought, names := x.all, x.names
	x.mu.Unlock()
	state, err := x.bucket.State(ctx)
	switch {
	case err != nil:
		return 0, err
	case !names.of(state.Made):
		x.refuse(errOther)
	case state.Last < brought:
		x.refuse(errBack)
	}
	return state.Last, nil
}

// open says why a change of an account must not begin, or nil: ErrIndex.
func (x *index) open(ctx context.Context, account string) error {
	x.mu.Lock()
	most := brief
	if x.stands != nil {
		most = max(0, brief-time.Since(x.stood))
	}
	x.mu.Unlock()
	err := x.wait(ctx, most, 0)
	if err == nil {
		// A change of a journal that was made again would be taken for one that look-ups show.
		if _, err = x.same(ctx); err == nil {
			err = x.wait(ctx, most, 0)
		}
	}
	if err == nil {
		err = x.try(ctx, account)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIndex, err)
	}
	return nil
}

// try says why Redis does not take what is written at the moment, or nil: a replica does not, nor does one that is full or
// cannot save.
func (x *index) try(ctx context.Context, account string) error {
	if x.private {
		return nil
	}
	x.mu.Lock()
	key := x.names.trial(account)
	x.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	if err := x.redis.Set(ctx, key, 1, time.Second).Err(); err != nil {
		return fmt.Errorf("write to Redis: %w", err)
	}
	return nil
}

// ready says why look-ups cannot be answered, or changes cannot be brought into the index.
func (x *index) ready(ctx context.Context) error {
	x.mu.Lock()
	err := x.standstillLocked()
	x.mu.Unlock()
	if err != nil {
		return err
	}
	if x.private {
		if err := x.redis.Ping(ctx).Err(); err != nil {
			return fmt.Errorf("reach Redis: %w", err)
		}
		return nil
	}
	return x.try(ctx, "")
}

// highestID is the highest id of a webhook that the journal has, or has had as far as this node and the index saw.
func (x *index) highestID(ctx context.Context) (uint64, error) {
	if err := x.catchUp(ctx); err != nil {
		return 0, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.highest, nil
}

// drawn takes down an id that was given, even if the journal forgets it.
func (x *index) drawn(id uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.highest = max(x.highest, id)
}
