package registry

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/saumer/saumer/record"
)

// List returns all accounts by name. Of one whose record cannot be read there is no more than the name.
func (s *Accounts) List(ctx context.Context) ([]Account, error) {
	var all []Account
	err := s.store.Walk(ctx, func(key string, a account, err error) error {
		if strings.HasPrefix(key, "_") {
			return nil // no account's name begins like this
		}
		if err != nil {
			all = append(all, Account{Name: key, Unreadable: true})
			return nil
		}
		all = append(all, a.public())
		return nil
	})
	slices.SortFunc(all, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// BeginRemoval lets nobody log in to an account any more, as the first step of its removal: record.ErrNotFound. Doing it again
// changes nothing.
func (s *Accounts) BeginRemoval(ctx context.Context, name string) error {
	_, err := s.change(ctx, name, func(a *account) error {
		if a.Deleting {
			return record.ErrUnchanged
		}
		a.Deleting = true
		return nil
	})
	if errors.Is(err, record.ErrUnreadable) {
		return nil // nobody logs in to it
	}
	return err
}

// Remove removes the record of an account, as the last step.
func (s *Accounts) Remove(ctx context.Context, name string) error { return s.store.Remove(ctx, name) }
