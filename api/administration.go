package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// Errors of the management of accounts; match them with errors.Is.
var (
	ErrCurrent = errors.New("the current password is missing or wrong")
	ErrOwnRole = errors.New("an operator's account is not deleted by itself: have another operator do it")
)

// Accounts lists all accounts to an operator, and the caller's own to others.
func (s *Service) Accounts(ctx context.Context, acc registry.Account) ([]registry.Account, error) {
	if acc.Operator {
		return s.o.Accounts.List(ctx)
	}
	one, err := s.o.Accounts.Get(ctx, acc.Name)
	return []registry.Account{one}, err
}

// SetPassword gives the caller's own account a new password, for which the current one is needed, or any other for an operator:
// record.ErrNotFound, ErrCurrent, registry.ErrPassword, or a *registry.LimitError if the current one was guessed too often. Its
// sessions end; its API keys stay.
func (s *Service) SetPassword(ctx context.Context, acc registry.Account, name, password, current string) error {
	if err := own(acc, name); err != nil {
		return err
	}
	if name == acc.Name {
		caller, _ := ctx.Value(callerKey{}).(Caller)
		l, err := s.o.Accounts.Login(ctx, registry.Credentials{Account: name, Secret: current, From: caller.From})
		if errors.Is(err, registry.ErrLogin) || err == nil && l.Key != "" {
			return ErrCurrent
		}
		if err != nil {
			return err
		}
	}
	return s.notedFor(ctx, acc, name, "SetPassword", name, s.o.Accounts.SetPassword(ctx, name, password))
}

// Removed says what went with an account.
type Removed struct {
	Name string `json:"name"`
	// Webhooks and Keys are how many there were, Waiting how many events waited for the webhooks.
	Webhooks int    `json:"webhooks"`
	Keys     int    `json:"keys"`
	Waiting  uint64 `json:"waiting"`
}

// DeleteAccount removes an account: nobody logs in to it any more, and its webhooks with their backlogs, its keys, events,
// attempts, notices, statistics and its audit log are gone. The caller may delete their own account, and an operator any other:
// record.ErrNotFound or ErrOwnRole. What was stopped in between is finished by another call.
func (s *Service) DeleteAccount(ctx context.Context, acc registry.Account, name string) (Removed, error) {
	if err := own(acc, name); err != nil {
		return Removed{}, err
	}
	if name == acc.Name && acc.Operator {
		return Removed{}, ErrOwnRole
	}
	gone := Removed{Name: name}
	keys, err := s.o.Accounts.Keys(ctx, name)
	if err != nil && !errors.Is(err, record.ErrUnreadable) {
		return gone, err
	}
	gone.Keys = len(keys)
	if err := s.o.Accounts.BeginRemoval(ctx, name); err != nil {
		return gone, err
	}
	if err := s.removeAll(ctx, name, &gone); err != nil || name == acc.Name {
		return gone, begun(err)
	}
	return gone, s.noted(ctx, acc, "DeleteAccount", name, nil)
}

// removeAll removes what an account has, and then its record. Gone counts what that is.
func (s *Service) removeAll(ctx context.Context, name string, gone *Removed) error {
	webhooks, err := s.o.Registry.List(ctx, name)
	if err != nil {
		return err
	}
	for _, w := range webhooks {
		if described, err := s.describe(ctx, w); err == nil {
			gone.Waiting += described.Status.Lag + described.Status.Buffered
		}
		if err := s.o.Backlogs.Delete(ctx, w.Key()); err != nil && !errors.Is(err, record.ErrNotFound) {
			return fmt.Errorf("delete webhook %s: %w", w.Key(), err)
		}
		gone.Webhooks++
	}
	if err := s.o.Forget(ctx, name); err != nil {
		return err
	}
	return s.o.Accounts.Remove(ctx, name)
}

// SetLimits changes what an account may do at most, for an operator: ErrOperator, record.ErrNotFound or registry.ErrLimits.
func (s *Service) SetLimits(ctx context.Context, acc registry.Account, name string, change func(*registry.Limits)) (registry.Account, error) {
	if !acc.Operator {
		return registry.Account{}, ErrOperator
	}
	a, err := s.o.Accounts.SetLimits(ctx, name, change)
	return a, s.notedFor(ctx, acc, name, "SetLimits", name, err)
}

// GetAccounts lists accounts.
var GetAccounts = define(Function{
	Name: "GetAccounts", Method: http.MethodGet, Path: "/v1/accounts",
	Doc:   "Lists all accounts to an operator, and the caller's own to others, by name.",
	codes: []Code{{2, http.StatusBadRequest, "invalid filter", ErrFilter, true}},
}, (*byName).parameters, func(ctx context.Context, s *Service, acc registry.Account, in byName) (accountPage, error) {
	all, err := s.Accounts(ctx, acc)
	part, next := pageByName(in, all, func(a registry.Account) string { return a.Name })
	return accountPage{part, next}, err
}, as(func(p accountPage) accountList {
	return accountList{each(p.part, restAccountOf), p.next}
}))

// accountPage is a part of the accounts, and where the next one begins.
type accountPage struct {
	part []registry.Account
	next *string
}

type accountList struct {
	Accounts []restAccount `json:"accounts"`
	Next     *string       `json:"next"`
}

// SetPassword gives an account a new password.
var SetPassword = define(Function{
	Name: "SetPassword", Method: http.MethodPost, Path: "/v1/accounts/{name}/password", Status: http.StatusNoContent,
	Doc:    "Gives the caller's own account a new password, or any other for an operator. Its sessions end; its API keys stay.",
	Effect: "This changes the password.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusForbidden, ErrCurrent.Error(), ErrCurrent, false},
		{4, http.StatusBadRequest, registry.ErrPassword.Error(), registry.ErrPassword, false},
	},
}, func(in *setPasswordInput) []Parameter {
	return []Parameter{
		accountName(&in.name),
		text(Parameter{Name: "password", In: InBody, Required: true, Doc: "The new password."}, &in.password),
		text(Parameter{Name: "current", In: InBody, Doc: "The current password; it is needed for the caller's own account."}, &in.current),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in setPasswordInput) (struct{}, error) {
	return struct{}{}, s.SetPassword(ctx, acc, in.name, in.password, in.current)
}, as(func(none struct{}) struct{} { return none }))

type setPasswordInput struct{ name, password, current string }

// DeleteAccount removes an account.
var DeleteAccount = define(Function{
	Name: "DeleteAccount", Method: http.MethodDelete, Path: "/v1/accounts/{name}",
	Doc: "Deletes the caller's own account, or any other for an operator, with its webhooks and their backlogs, its keys, events, attempts, notices, " +
		"statistics and audit log. The answer says how many there were.",
	Effect: "This deletes the account for good.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusConflict, ErrOwnRole.Error(), ErrOwnRole, false},
	},
}, func(in *getAccountInput) []Parameter {
	return []Parameter{accountName(&in.name)}
}, func(ctx context.Context, s *Service, acc registry.Account, in getAccountInput) (Removed, error) {
	return s.DeleteAccount(ctx, acc, in.name)
}, as(func(r Removed) Removed { return r }))

// SetLimits changes what an account may do at most.
var SetLimits = define(Function{
	Name: "SetLimits", Method: http.MethodPatch, Path: "/v1/accounts/{name}/limits",
	Doc:    "Sets what an account may do at most. Only an operator's account can. What is left out stays; 0 is the installation's.",
	Effect: "This changes what the account may do.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusForbidden, ErrOperator.Error(), ErrOperator, false},
		{4, http.StatusBadRequest, registry.ErrLimits.Error(), registry.ErrLimits, false},
	},
}, func(in *setLimitsInput) []Parameter {
	taken := []Parameter{accountName(&in.name)}
	for i, b := range budgetTable {
		taken = append(taken, changeNumber(Parameter{Name: b.name, In: InBody, Doc: b.doc}, &in.given[i]))
	}
	return taken
}, func(ctx context.Context, s *Service, acc registry.Account, in setLimitsInput) (limitsOf, error) {
	a, err := s.SetLimits(ctx, acc, in.name, func(l *registry.Limits) {
		for i, n := range in.given {
			if n != nil {
				*budgetTable[i].of(l) = *n
			}
		}
	})
	if err != nil {
		return limitsOf{}, err
	}
	return s.Limits(ctx, a)
}, as(limitListOf))

type setLimitsInput struct {
	name  string
	given [len(budgetTable)]*int
}
