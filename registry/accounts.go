package registry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
)

// Errors of accounts; match them with errors.Is.
var (
	// ErrLogin is returned for a wrong name as for a wrong password; nothing tells the two apart.
	ErrLogin = errors.New("login failed")
	// ErrPassword is returned for a password that cannot be set: bcrypt would ignore what is beyond 72 bytes, and what
	// everybody tries first protects nothing.
	ErrPassword = errors.New("invalid password: use 8 to 72 bytes with 5 different characters at least, and neither the account's name nor what everybody tries first, such as 12345678 or a row of keys")
	// ErrEmail, ErrLanguage and ErrZone are returned for a contact that an account cannot have.
	ErrEmail    = errors.New("invalid e-mail address: write it like anna@example.org, or leave it empty")
	ErrLanguage = errors.New("unknown language: use en or de")
	ErrZone     = errors.New("unknown time zone: use a name such as Europe/Zurich, or leave it empty for UTC")
)

// Account owns events and webhooks.
type Account struct {
	// Name is a token of the subjects of the account's events.
	Name string
	// Operator may make accounts.
	Operator bool
	Created  time.Time
	Contact  Contact
	Limits   Limits
	// Unreadable is true of an account in a list whose record cannot be read.
	Unreadable bool
}

// accountForm is the newest form of an account's record that this version reads. Form 2 has keys, limits and removals; what has
// none is written in form 1, so that older versions read it.
const accountForm = 2

// account is the record in the bucket ACCOUNTS; the key is the name.
type account struct {
	Form     int       `json:"v"`
	Name     string    `json:"name"`
	Operator bool      `json:"operator,omitempty"`
	Created  time.Time `json:"created"`
	Hash     string    `json:"hash"`
	Contact  Contact   `json:"contact,omitzero"`
	Keys     []key     `json:"keys,omitempty"`
	Limits   Limits    `json:"limits,omitzero"`
	// Ended are sessions that were ended before their time; Sessions counts how often all of them were.
	Ended    []ended `json:"ended,omitempty"`
	Sessions int     `json:"sessions,omitempty"`
	// Deleting is true while the account is being removed: nobody logs in to it any more.
	Deleting bool `json:"deleting,omitempty"`
}

func (a account) public() Account {
	return Account{Name: a.Name, Operator: a.Operator, Created: a.Created, Contact: a.Contact, Limits: a.Limits}
}

// Accounts are the accounts of the journal. They are safe for concurrent use.
type Accounts struct {
	store  record.Store[account]
	hashes *hashes
	tries  *Tries
}

// NewAccounts makes the accounts of a broker.
func NewAccounts(b *broker.Broker) *Accounts {
	return &Accounts{
		store:  record.Store[account]{Bucket: b.Accounts, Name: "account", Decode: decodeAccount, Encode: encodeAccount},
		hashes: newHashes(), tries: newTries(),
	}
}

// Create stores a new account: record.ErrExists if the name is taken, event.ErrAccount, ErrPassword, ErrEmail, ErrLanguage or ErrZone if it
// cannot be one.
func (s *Accounts) Create(ctx context.Context, name, password string, operator bool, contact Contact) error {
	if err := contact.Check(); err != nil {
		return err
	}
	if err := event.ValidAccount(name); err != nil {
		return err
	}
	hash, err := s.hashes.make(ctx, name, password)
	if err != nil {
		return err
	}
	_, err = s.store.Create(ctx, name, account{Name: name, Operator: operator, Created: time.Now().UTC(), Hash: hash, Contact: contact})
	return err
}

// Ensure makes the first account, as an operator, if it is not there. Several nodes may do it at once: one makes it.
//
// Without a password one is drawn, and returned if it was this call that made the account. An account that is there
// is left as it is without a password; with one, it gets that password and the rights of an operator, since whoever
// starts the server has said so. It returns event.ErrAccount or ErrPassword for what cannot be set; the password that an
// account has already may be one that is refused for a new one.
// A record that cannot be read is made anew with a password, and so the operator gets in again; contact and keys are gone with it.
func (s *Accounts) Ensure(ctx context.Context, name, password string) (created bool, _ string, err error) {
	if err := event.ValidAccount(name); err != nil {
		return false, "", err
	}
	stated := password != ""
	if !stated {
		password = rand.Text()
	}
	var hash string // made once, where it is needed
	fresh := func() account { return account{Name: name, Created: time.Now().UTC()} }
	change := func(a *account) error {
		created = a.Hash == ""
		if !created && !stated {
			return record.ErrUnchanged
		}
		if !created {
			same, err := s.hashes.match(ctx, []byte(a.Hash), password)
			if err != nil {
				return err
			}
			if same && a.Operator {
				return record.ErrUnchanged
			}
		}
		if hash == "" {
			var err error
			if hash, err = s.hashes.make(ctx, name, password); err != nil {
				return err
			}
		}
		a.Operator, a.Hash = true, hash
		return nil
	}
	_, _, err = s.store.Upsert(ctx, name, fresh, change)
	if stated && errors.Is(err, record.ErrUnreadable) {
		if err = s.store.Remove(ctx, name); err == nil {
			_, _, err = s.store.Upsert(ctx, name, fresh, change)
		}
	}
	switch {
	case !stated && (errors.Is(err, record.ErrNewer) || errors.Is(err, record.ErrUnreadable)):
		return false, "", nil // there, and left as it is
	case err != nil:
		return false, "", err
	case !created && !stated:
		return false, "", nil
	}
	return created, password, nil
}

// SetPassword replaces the password: record.ErrNotFound or ErrPassword. Logins with the old one fail from then on.
func (s *Accounts) SetPassword(ctx context.Context, name, password string) error {
	hash, err := s.hashes.make(ctx, name, password)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, name, func(a *account) error { a.Hash = hash; return nil })
	return err
}

// change changes the record of an account as record.Store.Update does. A name that no account can have is not found.
func (s *Accounts) change(ctx context.Context, name string, change func(*account) error) (Account, error) {
	if event.ValidAccount(name) != nil {
		return Account{}, record.ErrNotFound
	}
	a, _, err := s.store.Update(ctx, name, change)
	if err != nil {
		return Account{}, err
	}
	return a.public(), nil
}

// get reads a record. A name that no account can have is not found.
func (s *Accounts) get(ctx context.Context, name string) (account, error) {
	if event.ValidAccount(name) != nil {
		return account{}, record.ErrNotFound
	}
	a, _, err := s.store.Load(ctx, name)
	return a, err
}

// decodeAccount reads the record under an account's name: record.ErrNewer or record.ErrUnreadable.
func decodeAccount(e broker.Entry) (account, error) {
	var a account
	if err := record.Decode(e.Value, accountForm, &a); err != nil {
		return account{}, err
	}
	if a.Name != e.Key {
		return account{}, fmt.Errorf("an account %q: %w", a.Name, record.ErrUnreadable)
	}
	return a, nil
}

func encodeAccount(a *account) ([]byte, error) {
	if a.Form = 1; len(a.Keys) > 0 || a.Limits != (Limits{}) || a.Deleting {
		a.Form = accountForm
	}
	return json.Marshal(a)
}
