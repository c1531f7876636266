package registry

import (
	"context"
	"errors"

	"github.com/saumer/saumer/record"
)

// Credentials are what a caller shows to be let in.
type Credentials struct {
	// Account is the name of an account. It may be empty beside an API key, which names its own.
	Account string
	// Secret is the account's password, or one of its API keys.
	Secret string
	// From is the address that the caller comes from.
	From string
}

// Login is who was let in.
type Login struct {
	Account
	// Right is what the caller may do.
	Right Right
	// Key is the id of the API key that the caller showed; empty for the password.
	Key string
}

// Login lets in whoever shows an account's password or one of its API keys: ErrLogin if they are not right. It reads the
// record each time, and nothing if there are no credentials.
//
// An API key costs no bcrypt, and neither does a password that was compared lately. Any other password waits for its turn,
// until the context ends. A *LimitError is returned, before that, if too many passwords from the address or for the account
// were wrong, or if too many wait.
func (s *Accounts) Login(ctx context.Context, c Credentials) (Login, error) {
	if account, id, ok := parseAPIKey(c.Secret); ok {
		if c.Account != "" && c.Account != account {
			return Login{}, ErrLogin
		}
		return s.loginByKey(ctx, account, id, c.Secret)
	}
	if c.Account == "" || c.Secret == "" {
		return Login{}, ErrLogin
	}
	a, err := s.get(ctx, c.Account)
	known := err == nil && !a.Deleting
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return Login{}, err
	}
	hash := s.hashes.decoy
	// Bcrypt ignores what is beyond its limit, so a longer password could match.
	if known && len(c.Secret) <= passwordMax {
		hash = []byte(a.Hash)
	} else {
		known = false
	}
	same, err := s.hashes.limited(ctx, hash, c.Secret, func() (func(), error) { return s.tries.Begin(c.From, c.Account) })
	if err != nil {
		return Login{}, err
	}
	if !same || !known {
		return Login{}, ErrLogin
	}
	return Login{Account: a.public(), Right: All}, nil
}

// Tries limits what is tried and goes wrong. Logins count there by themselves.
func (s *Accounts) Tries() *Tries { return s.tries }
