package registry

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"time"

	"github.com/saumer/saumer/record"
)

// endedMax bounds the sessions of an account that are remembered as ended. One more ends all of them.
const endedMax = 200

// ended is a session that somebody has ended before its time.
type ended struct {
	ID string `json:"id"`
	// Until is when the session would have ended by itself.
	Until time.Time `json:"until"`
}

// Session returns the account of a session, and its credential, which changes with its password and tells nothing of it:
// record.ErrNotFound if there is no such account or the session was ended.
func (s *Accounts) Session(ctx context.Context, name, id string) (Account, [sha256.Size]byte, error) {
	a, err := s.get(ctx, name)
	if err == nil && (a.Deleting || slices.ContainsFunc(a.Ended, func(e ended) bool { return e.ID == id })) {
		err = record.ErrNotFound
	}
	if err != nil {
		return Account{}, [sha256.Size]byte{}, err
	}
	return a.public(), sha256.Sum256([]byte(a.Hash + strconv.Itoa(a.Sessions))), nil
}

// EndSession ends a session that would go on until a time: record.ErrNotFound if there is no such account.
func (s *Accounts) EndSession(ctx context.Context, name, id string, until time.Time) error {
	_, err := s.change(ctx, name, func(a *account) error {
		now := time.Now()
		a.Ended = slices.DeleteFunc(a.Ended, func(e ended) bool { return e.ID == id || !now.Before(e.Until) })
		if a.Ended = append(a.Ended, ended{id, until.UTC()}); len(a.Ended) > endedMax {
			a.Ended, a.Sessions = nil, a.Sessions+1
		}
		return nil
	})
	return err
}
