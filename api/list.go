package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// statuses bounds the webhooks of one list that are asked about at once.
const statuses = 8

// ListFilter says which webhooks of an account to list. The zero value lists all.
type ListFilter struct {
	// App and Event keep only the webhooks of this app and for this event; State those in this state. Empty keeps all.
	App, Event, State string
	// Text keeps only those whose id is this, or whose app or URL contains it, in any letter case.
	Text string
	// After leaves out the ids up to this one; Skip leaves out the first that the filter keeps; Limit is the most to list, 0 sets
	// none.
	After       uint64
	Skip, Limit int
}

// keeps says whether the filter keeps a record, as far as that tells.
func (f ListFilter) keeps(w registry.Webhook) bool {
	switch {
	case w.ID <= f.After, f.App != "" && w.App != f.App, f.Event != "" && !w.Takes(f.Event),
		f.State == replay.Inactive && w.Active, (f.State == replay.Live || f.State == replay.Lagging) && !w.Active:
		return false
	case f.Text == "":
		return true
	}
	text := strings.ToLower(f.Text)
	return strconv.FormatUint(w.ID, 10) == text || strings.Contains(strings.ToLower(w.App), text) || strings.Contains(strings.ToLower(w.URL), text)
}

// Listed are webhooks by id ascending. Total is how many the filter keeps without Skip, Limit and State. Next is what to give as
// After for those that follow, 0 if there are none.
type Listed struct {
	Webhooks []Webhook
	Total    int
	Next     uint64
}

// states are those that a filter may name.
var states = []string{replay.Live, replay.Lagging, replay.Inactive, replay.Unreadable}

// List returns the account's webhooks that the filter keeps, or ErrFilter if there is no such state. How a webhook does is asked only of those that are listed, and
// of those that have to be looked at for their state.
func (s *Service) List(ctx context.Context, acc registry.Account, f ListFilter) (Listed, error) {
	if f.State != "" && !slices.Contains(states, f.State) {
		return Listed{}, fmt.Errorf("%w: state is one of %s", ErrFilter, list(states))
	}
	records, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return Listed{}, err
	}
	// The list is shared by its readers, and filtering must not write into it.
	var kept []registry.Webhook
	for _, w := range records {
		if f.keeps(w) {
			kept = append(kept, w)
		}
	}
	listed := Listed{Total: len(kept)}
	kept = kept[min(f.Skip, len(kept)):]
	for len(kept) > 0 {
		n := len(kept)
		if f.Limit > 0 {
			n = min(n, f.Limit-len(listed.Webhooks))
		}
		found, err := s.describeAll(ctx, kept[:n])
		if err != nil {
			return Listed{}, err
		}
		for _, w := range found {
			if f.State == "" || w.Status.State == f.State {
				listed.Webhooks = append(listed.Webhooks, w)
			}
		}
		last := kept[n-1].ID
		if kept = kept[n:]; f.Limit > 0 && len(listed.Webhooks) == f.Limit && len(kept) > 0 {
			listed.Next = last
			break
		}
	}
	return listed, nil
}

// Apps are the names of the account's apps, sorted.
func (s *Service) Apps(ctx context.Context, acc registry.Account) ([]string, error) {
	records, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return nil, err
	}
	var apps []string
	for _, w := range records {
		apps = append(apps, w.App)
	}
	slices.Sort(apps)
	return slices.Compact(apps), nil
}

// describeAll says how webhooks do, without those that were deleted meanwhile.
func (s *Service) describeAll(ctx context.Context, records []registry.Webhook) ([]Webhook, error) {
	described, gone := make([]Webhook, len(records)), make([]bool, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(statuses)
	for i, w := range records {
		g.Go(func() (err error) {
			described[i], err = s.describe(ctx, w)
			if gone[i] = errors.Is(err, record.ErrNotFound); gone[i] {
				err = nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	there := described[:0]
	for i, w := range described {
		if !gone[i] {
			there = append(there, w)
		}
	}
	return there, nil
}
