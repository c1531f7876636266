package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// CreateKey makes an API key of the caller's own account, or of any for an operator, and returns it in the clear, this once:
// record.ErrNotFound, registry.ErrKeyLabel, ErrRight, ErrKeyExpiry or ErrManyKeys.
func (s *Service) CreateKey(ctx context.Context, acc registry.Account, name, label string, right registry.Right, expires time.Time) (registry.APIKey, string, error) {
	if err := own(acc, name); err != nil {
		return registry.APIKey{}, "", err
	}
	k, secret, err := s.o.Accounts.CreateKey(ctx, name, label, right, expires)
	return k, secret, s.notedFor(ctx, acc, name, "CreateKey", k.ID, err)
}

// Keys are the API keys of the caller's own account, or of any for an operator: record.ErrNotFound.
func (s *Service) Keys(ctx context.Context, acc registry.Account, name string) ([]registry.APIKey, error) {
	if err := own(acc, name); err != nil {
		return nil, err
	}
	return s.o.Accounts.Keys(ctx, name)
}

// RevokeKey ends an API key of the caller's own account, or of any for an operator: record.ErrNotFound or registry.ErrNoKey.
func (s *Service) RevokeKey(ctx context.Context, acc registry.Account, name, id string) error {
	if err := own(acc, name); err != nil {
		return err
	}
	return s.notedFor(ctx, acc, name, "RevokeKey", id, s.o.Accounts.RevokeKey(ctx, name, id))
}

// own says whether an account is the caller's own to manage: record.ErrNotFound if not.
func own(acc registry.Account, name string) error {
	if name != acc.Name && !acc.Operator {
		return record.ErrNotFound
	}
	return nil
}

// CreateKey makes an API key.
var CreateKey = define(Function{
	Name: "CreateKey", Method: http.MethodPost, Path: "/v1/accounts/{name}/keys", Status: http.StatusCreated,
	Doc:    "Makes an API key of the caller's own account, or of any for an operator. The answer holds the key, which is not shown again.",
	Effect: "This makes a real key.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusBadRequest, registry.ErrKeyLabel.Error(), registry.ErrKeyLabel, false},
		{4, http.StatusBadRequest, registry.ErrRight.Error(), registry.ErrRight, false},
		{5, http.StatusBadRequest, "invalid end of a key", registry.ErrKeyExpiry, true},
		{6, http.StatusConflict, registry.ErrManyKeys.Error(), registry.ErrManyKeys, false},
	},
}, func(in *createKeyInput) []Parameter {
	return []Parameter{
		accountName(&in.name),
		text(Parameter{Name: "label", In: InBody, Required: true, Doc: "What the key is for, in at most 100 bytes."}, &in.label),
		text(Parameter{Name: "right", In: InBody, Default: string(registry.All), Values: rights(), Doc: "What may be done with the key."}, &in.right),
		moment(Parameter{Name: "expires", In: InBody, Doc: "When the key ends; never if it is left out."}, &in.expires,
			fmt.Errorf("%w, and is a time such as 2026-03-01T12:00:00Z", registry.ErrKeyExpiry)),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in createKeyInput) (secretKey, error) {
	k, secret, err := s.CreateKey(ctx, acc, in.name, in.label, registry.Right(in.right), in.expires)
	return secretKey{k, secret}, err
}, as(func(k secretKey) createdKey {
	return createdKey{apiKeyOf(k.key), k.secret}
}))

type createKeyInput struct {
	name, label, right string
	expires            time.Time
}

func rights() []string {
	return each(registry.Rights, func(r registry.Right) string { return string(r) })
}

// secretKey is a new API key in the clear.
type secretKey struct {
	key    registry.APIKey
	secret string
}

type createdKey struct {
	apiKey
	Key string `json:"key"`
}

// apiKey is an API key on the wire, as far as people may see it.
type apiKey struct {
	ID       string         `json:"id"`
	Label    string         `json:"label"`
	Right    registry.Right `json:"right"`
	Created  stamp          `json:"created"`
	Expires  stamp          `json:"expires"`
	LastUsed stamp          `json:"lastUsed"`
}

func apiKeyOf(k registry.APIKey) apiKey {
	return apiKey{k.ID, k.Label, k.Right, stamp(k.Created), stamp(k.Expires), stamp(k.Used)}
}

// GetKeys lists API keys.
var GetKeys = define(Function{
	Name: "GetKeys", Method: http.MethodGet, Path: "/v1/accounts/{name}/keys",
	Doc:   "Lists the API keys of the caller's own account, or of any to an operator, with what may be done with them and when they were used last, by id.",
	codes: []Code{codeNoAccount, {3, http.StatusBadRequest, "invalid filter", ErrFilter, true}},
}, func(in *getKeysInput) []Parameter {
	return append([]Parameter{accountName(&in.name)}, in.page.parameters()...)
}, func(ctx context.Context, s *Service, acc registry.Account, in getKeysInput) (keyPage, error) {
	all, err := s.Keys(ctx, acc, in.name)
	part, next := pageByName(in.page, all, func(k registry.APIKey) string { return k.ID })
	return keyPage{part, next}, err
}, as(func(p keyPage) keyList {
	return keyList{each(p.part, apiKeyOf), p.next}
}))

type getKeysInput struct {
	name string
	page byName
}

// keyPage is a part of the keys, and where the next one begins.
type keyPage struct {
	part []registry.APIKey
	next *string
}

type keyList struct {
	Keys []apiKey `json:"keys"`
	Next *string  `json:"next"`
}

// RevokeKey ends an API key.
var RevokeKey = define(Function{
	Name: "RevokeKey", Method: http.MethodDelete, Path: "/v1/accounts/{name}/keys/{key}", Status: http.StatusNoContent,
	Doc:    "Revokes an API key: it lets nobody in any more.",
	Effect: "This ends the key for good.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusNotFound, registry.ErrNoKey.Error(), registry.ErrNoKey, false},
	},
}, func(in *revokeKeyInput) []Parameter {
	return []Parameter{
		accountName(&in.name),
		text(Parameter{Name: "key", In: InPath, Required: true, Doc: "The key's id."}, &in.key),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in revokeKeyInput) (struct{}, error) {
	return struct{}{}, s.RevokeKey(ctx, acc, in.name, in.key)
}, as(func(none struct{}) struct{} { return none }))

type revokeKeyInput struct{ name, key string }
