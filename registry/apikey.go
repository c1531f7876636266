package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
)

// Right is what a login may do.
type Right string

// The rights. A password has All.
const (
	All         Right = "all"
	ReadOnly    Right = "read-only"
	PublishOnly Right = "publish-only"
)

// Rights are all rights.
var Rights = []Right{All, ReadOnly, PublishOnly}

// May says whether a right covers what needs another.
func (r Right) May(needed Right) bool { return r == All || r == needed }

// Errors of API keys; match them with errors.Is.
var (
	ErrKeyLabel  = errors.New("invalid label of a key: use 1 to 100 bytes of text without control characters")
	ErrRight     = errors.New("unknown right: use all, read-only or publish-only")
	ErrKeyExpiry = errors.New("invalid end of a key: it lies in the future")
	ErrNoKey     = errors.New("the account has no such key")
	ErrManyKeys  = fmt.Errorf("the account has %d keys, which is the most: revoke one first", keysMax)
)

const (
	keysMax     = 100
	keyLabelMax = 100 // bytes
	// keyPrefix begins every API key, so that people and scanners know one.
	keyPrefix = "saumer_"
	// keyIDLength and keySecretLength are those of the parts in base32: 40 and 256 bits.
	keyIDLength, keySecretLength = 8, 52
	keySecretBytes               = 32
	// keyUse is to within which time the last use of a key is noted.
	keyUse = 10 * time.Minute
)

// APIKey is what people may see of a key.
type APIKey struct {
	// ID stands in the key itself, behind the account's name.
	ID string
	// Label says what the key is for.
	Label   string
	Right   Right
	Created time.Time
	// Expires is when the key ends; zero: never.
	Expires time.Time
	// Used is when the key was used last, to within ten minutes; zero: never.
	Used time.Time
}

// key is an API key in the record of its account.
type key struct {
	ID      string    `json:"id"`
	Label   string    `json:"label"`
	Right   Right     `json:"right"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"`
	// Hash is the SHA-256 of the whole key, which has 256 random bits: nothing slower is needed.
	Hash []byte `json:"hash"`
}

func (k key) public() APIKey { return APIKey{k.ID, k.Label, k.Right, k.Created, k.Expires, k.Used} }

var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// parseAPIKey takes an API key apart; false if a text is none.
func parseAPIKey(text string) (owner, id string, ok bool) {
	rest, ours := strings.CutPrefix(text, keyPrefix)
	i := strings.LastIndexByte(rest, '_')
	if !ours || i < 0 || len(rest)-i-1 != keySecretLength {
		return "", "", false
	}
	rest = rest[:i]
	if i = strings.LastIndexByte(rest, '_'); i < 0 || len(rest)-i-1 != keyIDLength {
		return "", "", false
	}
	return rest[:i], rest[i+1:], event.ValidAccount(rest[:i]) == nil
}

// loginByKey lets in whoever has an API key: ErrLogin. That a key was used is noted now and then.
func (s *Accounts) loginByKey(ctx context.Context, owner, id, text string) (Login, error) {
	a, err := s.get(ctx, owner)
	if errors.Is(err, record.ErrNotFound) {
		return Login{}, ErrLogin
	}
	if err != nil {
		return Login{}, err
	}
	hash := sha256.Sum256([]byte(text))
	i := slices.IndexFunc(a.Keys, func(k key) bool { return k.ID == id })
	now := time.Now()
	if i < 0 || a.Deleting || subtle.ConstantTimeCompare(hash[:], a.Keys[i].Hash) != 1 || !a.Keys[i].Expires.IsZero() && !now.Before(a.Keys[i].Expires) {
		return Login{}, ErrLogin
	}
	k := a.Keys[i]
	if now.Sub(k.Used) >= keyUse {
		// A use that cannot be noted is noted with a later one, and lets nobody wait.
		_, _ = s.change(ctx, owner, func(a *account) error { return noteUse(a, id, now) })
	}
	return Login{Account: a.public(), Right: k.Right, Key: k.ID}, nil
}

// noteUse notes that a key was used, unless that was noted meanwhile.
func noteUse(a *account, id string, at time.Time) error {
	i := slices.IndexFunc(a.Keys, func(k key) bool { return k.ID == id })
	if i < 0 || at.Sub(a.Keys[i].Used) < keyUse {
		return record.ErrUnchanged
	}
	a.Keys[i].Used = at.UTC()
	return nil
}

// CreateKey makes an API key of an account and returns it in the clear, this once: record.ErrNotFound, ErrKeyLabel, ErrRight,
// ErrKeyExpiry or ErrManyKeys. An expires of zero is never.
func (s *Accounts) CreateKey(ctx context.Context, owner, label string, right Right, expires time.Time) (APIKey, string, error) {
	switch {
	case strings.TrimSpace(label) == "" || len(label) > keyLabelMax || !utf8.ValidString(label) || strings.ContainsFunc(label, unicode.IsControl):
		return APIKey{}, "", ErrKeyLabel
	case !slices.Contains(Rights, right):
		return APIKey{}, "", ErrRight
	case !expires.IsZero() && !expires.After(time.Now()):
		return APIKey{}, "", ErrKeyExpiry
	}
	random := make([]byte, keySecretBytes)
	_, _ = rand.Read(random) // never fails (Go 1.24)
	k := key{ID: rand.Text()[:keyIDLength], Label: label, Right: right, Created: time.Now().UTC(), Expires: expires.UTC()}
	text := keyPrefix + owner + "_" + k.ID + "_" + keyText.EncodeToString(random)
	hash := sha256.Sum256([]byte(text))
	k.Hash = hash[:]
	_, err := s.change(ctx, owner, func(a *account) error {
		if len(a.Keys) >= keysMax {
			return ErrManyKeys
		}
		a.Keys = append(a.Keys, k)
		return nil
	})
	if err != nil {
		return APIKey{}, "", err
	}
	return k.public(), text, nil
}

// Keys are the API keys of an account, oldest first: record.ErrNotFound.
func (s *Accounts) Keys(ctx context.Context, owner string) ([]APIKey, error) {
	a, err := s.get(ctx, owner)
	if err != nil {
		return nil, err
	}
	keys := make([]APIKey, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = k.public()
	}
	return keys, nil
}

// RevokeKey ends an API key: record.ErrNotFound or ErrNoKey. Logins with it fail from then on.
func (s *Accounts) RevokeKey(ctx context.Context, owner, id string) error {
	_, err := s.change(ctx, owner, func(a *account) error {
		before := len(a.Keys)
		if a.Keys = slices.DeleteFunc(a.Keys, func(k key) bool { return k.ID == id }); len(a.Keys) == before {
			return ErrNoKey
		}
		return nil
	})
	return err
}
