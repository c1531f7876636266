package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
)

// Errors of accounts; match them with errors.Is.
var (
	// ErrLogin is returned for a wrong name as for a wrong password; nothing tells the two apart.
	ErrLogin = errors.New("login failed")
	// ErrPassword is returned for a password that cannot be set: bcrypt would ignore what is beyond 72 bytes.
	ErrPassword = errors.New("invalid password: use 8 to 72 bytes")
	// ErrEmail and ErrLanguage are returned for a contact that an account cannot have.
	ErrEmail    = errors.New("invalid e-mail address: write it like anna@example.org, or leave it empty")
	ErrLanguage = errors.New("unknown language: use en or de")
)

const (
	passwordMin, passwordMax = 8, 72

	// checks bounds the bcrypt runs at once, so that wrong logins do not eat the machine.
	checks = 2
	// verifiedKept bounds the logins that need no bcrypt.
	verifiedKept = 10_000
)

// nobody is the hash of a random password that was thrown away. A login with an unknown name is compared with it, and
// so takes as long as one with a wrong password.
const nobody = "$2a$10$4R2tBvZqG.Gkxk4f5DtDJOAeSAS6.mOwXzcyUXFE19d4sdi3OYIdC"

// Account owns events and webhooks.
type Account struct {
	// Name is a token of the subjects of the account's events.
	Name string
	// Operator may make accounts.
	Operator bool
	Created  time.Time
	Contact  Contact
}

// accountForm is the newest form of an account's record that this version reads, and the one that it writes.
const accountForm = 1

// account is the record in the bucket ACCOUNTS; the key is the name.
type account struct {
	Form     int       `json:"v"`
	Name     string    `json:"name"`
	Operator bool      `json:"operator,omitempty"`
	Created  time.Time `json:"created"`
	Hash     string    `json:"hash"`
	Contact  Contact   `json:"contact,omitzero"`
}

func (a account) public() Account {
	return Account{Name: a.Name, Operator: a.Operator, Created: a.Created, Contact: a.Contact}
}

// Accounts are the accounts of the journal. They are safe for concurrent use.
type Accounts struct {
	store record.Store[account]
	cost  int
	// decoy is what an unknown name's password is compared with, at the same cost.
	decoy []byte
	// running holds a token for each bcrypt run.
	running chan struct{}
	// verified has an entry for each pair of hash and password that matched lately.
	verified *lru.Cache[[sha256.Size]byte, struct{}]
}

// NewAccounts makes the accounts of a broker.
func NewAccounts(b *broker.Broker) *Accounts {
	// The size is positive, and nothing else can be wrong.
	verified, _ := lru.New[[sha256.Size]byte, struct{}](verifiedKept)
	return &Accounts{
		store: record.Store[account]{Bucket: b.Accounts, Name: "account", Decode: decodeAccount, Encode: encodeAccount},
		cost:  bcrypt.DefaultCost, decoy: []byte(nobody), running: make(chan struct{}, checks), verified: verified,
	}
}

// Create stores a new account: record.ErrExists if the name is taken, event.ErrAccount, ErrPassword, ErrEmail or ErrLanguage if it
// cannot be one.
func (s *Accounts) Create(ctx context.Context, name, password string, operator bool, contact Contact) error {
	if err := contact.Check(); err != nil {
		return err
	}
	if err := event.ValidAccount(name); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
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
// starts the server has said so. It returns event.ErrAccount or ErrPassword for what cannot be set.
func (s *Accounts) Ensure(ctx context.Context, name, password string) (created bool, _ string, err error) {
	if err := event.ValidAccount(name); err != nil {
		return false, "", err
	}
	stated := password != ""
	if !stated {
		password = rand.Text()
	}
	if err := validPassword(password); err != nil {
		return false, "", err
	}
	var hash string // made once, where it is needed
	fresh := func() account { return account{Name: name, Created: time.Now().UTC()} }
	_, _, err = s.store.Upsert(ctx, name, fresh, func(a *account) error {
		created = a.Hash == ""
		if !created && !stated {
			return record.ErrUnchanged
		}
		if !created {
			same, err := s.matches(ctx, []byte(a.Hash), password)
			if err != nil {
				return err
			}
			if same && a.Operator {
				return record.ErrUnchanged
			}
		}
		if hash == "" {
			var err error
			if hash, err = s.hash(ctx, password); err != nil {
				return err
			}
		}
		a.Operator, a.Hash = true, hash
		return nil
	})
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
	hash, err := s.hash(ctx, password)
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

// Authenticate returns the account of a name and password: ErrLogin if they are not right. It reads the record each
// time; a pair that matched lately costs no bcrypt, and any other waits for one of the few runs at once, until the
// context ends.
func (s *Accounts) Authenticate(ctx context.Context, name, password string) (Account, error) {
	a, err := s.get(ctx, name)
	known := err == nil
	if !known && !errors.Is(err, record.ErrNotFound) {
		return Account{}, err
	}
	hash := s.decoy
	// Bcrypt ignores what is beyond its limit, so a longer password could match.
	if known && len(password) <= passwordMax {
		hash = []byte(a.Hash)
	} else {
		known = false
	}
	same, err := s.matches(ctx, hash, password)
	if err != nil {
		return Account{}, err
	}
	if !same || !known {
		return Account{}, ErrLogin
	}
	return a.public(), nil
}

// Credential returns the account of a name, and its credential, which changes with its password and tells nothing of it:
// record.ErrNotFound.
func (s *Accounts) Credential(ctx context.Context, name string) (Account, [sha256.Size]byte, error) {
	a, err := s.get(ctx, name)
	if err != nil {
		return Account{}, [sha256.Size]byte{}, err
	}
	return a.public(), sha256.Sum256([]byte(a.Hash)), nil
}

// matches says whether the hash is that of the password.
func (s *Accounts) matches(ctx context.Context, hash []byte, password string) (bool, error) {
	// A bcrypt hash has a fixed length, so no other pair has this text.
	pair := sha256.Sum256([]byte(string(hash) + password))
	if _, ok := s.verified.Get(pair); ok {
		return true, nil
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	// Another login with the same pair may have been checked while this one waited.
	if _, ok := s.verified.Get(pair); ok {
		return true, nil
	}
	switch err := bcrypt.CompareHashAndPassword(hash, []byte(password)); {
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("check a password: %w", err)
	}
	s.verified.Add(pair, struct{}{})
	return true, nil
}

func (s *Accounts) hash(ctx context.Context, password string) (string, error) {
	if err := validPassword(password); err != nil {
		return "", err
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), s.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(hash), nil
}

func (s *Accounts) acquire(ctx context.Context) (release func(), err error) {
	select {
	case s.running <- struct{}{}:
		return func() { <-s.running }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the check of other logins: %w", ctx.Err())
	}
}

func validPassword(password string) error {
	if len(password) < passwordMin || len(password) > passwordMax {
		return ErrPassword
	}
	return nil
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
	a.Form = accountForm
	return json.Marshal(a)
}
