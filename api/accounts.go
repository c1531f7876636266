package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/stats"
)

// GetNotices lists notices.
var GetNotices = define(Function{
	Name: "GetNotices", Method: http.MethodGet, Path: "/v1/notices",
	Doc:   "Lists what people were told, newest first. Whoever has a link may activate the webhook, so a key that is read-only gets none.",
	codes: []Code{{2, http.StatusBadRequest, "invalid filter", ErrFilter, true}},
}, func(in *getNoticesInput) []Parameter {
	return []Parameter{
		pageLimit(&in.limit), pageBefore(&in.before),
		number(Parameter{Name: "webhook", In: InQuery, Min: 1, Doc: "Only notices of the webhook with this id."}, &in.webhook,
			fmt.Errorf("%w: webhook is the id of a webhook", ErrFilter)),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in getNoticesInput) (notices, error) {
	// One more than is shown tells whether there is another page.
	found, err := s.Notices(ctx, acc, in.webhook, in.before, in.limit+1)
	if onlyReads(ctx) {
		for i := range found {
			found[i].Link = "" // whoever has it activates the webhook
		}
	}
	if err != nil || len(found) <= in.limit {
		return notices{found, 0}, err
	}
	return notices{found[:in.limit], found[in.limit-1].Sequence}, nil
}, as(func(n notices) noticePage {
	return noticePage{each(n.found, noticeOf), nextPage(n.next)}
}))

type getNoticesInput struct {
	limit           int
	before, webhook uint64
}

// notices are a page of notices, and where the next one begins.
type notices struct {
	found []notify.Notice
	next  uint64
}

type noticePage struct {
	Notices []notice `json:"notices"`
	Next    *uint64  `json:"next"`
}

// GetStats counts what came of attempts.
var GetStats = define(Function{
	Name: "GetStats", Method: http.MethodGet, Path: "/v1/stats",
	Doc:   "Counts the account's attempts of the last hour or day, with how long deliveries took.",
	codes: []Code{{2, http.StatusBadRequest, ErrSpan.Error(), ErrSpan, false}},
}, func(in *getStatsInput) []Parameter {
	return []Parameter{
		text(Parameter{Name: "span", In: InQuery, Default: string(Hour), Values: []string{string(Hour), string(Day)}, Doc: "How much of the past is shown."}, &in.span),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in getStatsInput) (statistics, error) {
	series, err := s.Stats(ctx, acc, Span(in.span))
	return statistics{Span(in.span), series}, err
}, as(statsOf))

type getStatsInput struct{ span string }

// statistics are those of a span.
type statistics struct {
	span   Span
	series stats.Series
}

// CreateAccount makes an account.
var CreateAccount = define(Function{
	Name: "CreateAccount", Method: http.MethodPost, Path: "/v1/accounts", Status: http.StatusCreated,
	Doc:    "Makes an account. Only an operator's account can.",
	Effect: "This makes a real account.",
	codes: []Code{
		{2, http.StatusForbidden, ErrOperator.Error(), ErrOperator, false},
		{3, http.StatusBadRequest, event.ErrAccount.Error(), event.ErrAccount, false},
		{4, http.StatusBadRequest, registry.ErrPassword.Error(), registry.ErrPassword, false},
		{5, http.StatusConflict, "the account exists already", record.ErrExists, false},
		{6, http.StatusBadRequest, registry.ErrEmail.Error(), registry.ErrEmail, false},
		{7, http.StatusBadRequest, registry.ErrLanguage.Error(), registry.ErrLanguage, false},
		{8, http.StatusBadRequest, registry.ErrZone.Error(), registry.ErrZone, false},
	},
}, func(in *createAccountInput) []Parameter {
	return []Parameter{
		text(Parameter{Name: "name", In: InBody, Required: true, Doc: "The account's name, with which it logs in."}, &in.account.Name),
		text(Parameter{Name: "password", In: InBody, Required: true, Doc: "The account's password."}, &in.password),
		boolean(Parameter{Name: "operator", In: InBody, Doc: "Whether the account may make others."}, &in.account.Operator),
		text(Parameter{Name: "email", In: InBody, Doc: "Where notices are mailed to."}, &in.account.Contact.Email),
		text(Parameter{Name: "language", In: InBody, Values: []string{"en", "de"}, Doc: "The language of notices and of the console."}, &in.account.Contact.Language),
		text(Parameter{Name: "zone", In: InBody, Doc: zoneDoc}, &in.account.Contact.Zone),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in createAccountInput) (registry.Account, error) {
	a := in.account
	return a, s.CreateAccount(ctx, acc, a.Name, in.password, a.Operator, a.Contact)
}, as(restAccountOf))

// zoneDoc says what a zone is.
const zoneDoc = "The time zone of the times in notices, such as Europe/Zurich; empty for UTC."

type createAccountInput struct {
	account  registry.Account
	password string
}

// GetAccount shows one account.
var GetAccount = define(Function{
	Name: "GetAccount", Method: http.MethodGet, Path: "/v1/accounts/{name}",
	Doc:   "Shows the caller's own account, or any to an operator.",
	codes: []Code{codeNoAccount},
}, func(in *getAccountInput) []Parameter {
	return []Parameter{accountName(&in.name)}
}, func(ctx context.Context, s *Service, acc registry.Account, in getAccountInput) (registry.Account, error) {
	return s.Account(ctx, acc, in.name)
}, as(restAccountOf))

type getAccountInput struct{ name string }

func accountName(into *string) Parameter {
	return text(Parameter{Name: "name", In: InPath, Required: true, Doc: "The account's name."}, into)
}

// SetAccount says who is told.
var SetAccount = define(Function{
	Name: "SetAccount", Method: http.MethodPatch, Path: "/v1/accounts/{name}",
	Doc:    "Sets how the people of the caller's own account are told, or of any for an operator. What is left out stays.",
	Effect: "This changes who is told.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusBadRequest, registry.ErrEmail.Error(), registry.ErrEmail, false},
		{4, http.StatusBadRequest, registry.ErrLanguage.Error(), registry.ErrLanguage, false},
		{5, http.StatusBadRequest, registry.ErrZone.Error(), registry.ErrZone, false},
	},
}, func(in *setAccountInput) []Parameter {
	return []Parameter{
		accountName(&in.name),
		change(Parameter{Name: "email", In: InBody, Doc: "Where notices are mailed to; empty for nowhere."}, &in.email),
		change(Parameter{Name: "language", In: InBody, Values: []string{"en", "de"}, Doc: "The language of notices and of the console."}, &in.language),
		change(Parameter{Name: "zone", In: InBody, Doc: zoneDoc}, &in.zone),
	}
}, func(ctx context.Context, s *Service, acc registry.Account, in setAccountInput) (registry.Account, error) {
	return s.SetContact(ctx, acc, in.name, func(c *registry.Contact) {
		if in.email != nil {
			c.Email = *in.email
		}
		if in.language != nil {
			c.Language = *in.language
		}
		if in.zone != nil {
			c.Zone = *in.zone
		}
	})
}, as(restAccountOf))

type setAccountInput struct {
	name                  string
	email, language, zone *string
}
