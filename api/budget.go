package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/saumer/saumer/registry"
)

// budgetKind is one of the things of which an account may have so much.
type budgetKind struct {
	name, doc string
	// minute is true for what is counted a minute, false for what there is.
	minute bool
	of     func(*registry.Limits) *int
}

// budgetTable is the one table of limits.
var budgetTable = [6]budgetKind{
	{"requests", "Requests to the API a minute.", true, func(l *registry.Limits) *int { return &l.Requests }},
	{"publishes", "Events that are published over HTTP a minute.", true, func(l *registry.Limits) *int { return &l.Publishes }},
	{"tests", "Test events and tests of connections a minute.", true, func(l *registry.Limits) *int { return &l.Tests }},
	{"replays", "Replays and redeliveries a minute.", true, func(l *registry.Limits) *int { return &l.Replays }},
	{"webhooks", "Webhooks that there are.", false, func(l *registry.Limits) *int { return &l.Webhooks }},
	{"liveViews", "Live views of the console that are open.", false, func(l *registry.Limits) *int { return &l.LiveViews }},
}

var (
	requests, publishes, tests = &budgetTable[0], &budgetTable[1], &budgetTable[2]
	replays, webhooks, live    = &budgetTable[3], &budgetTable[4], &budgetTable[5]
)

// webhookWait and liveWait are what is said of Retry-After where only a person makes room.
const webhookWait, liveWait = time.Minute, 10 * time.Second

// budgets count what accounts do in this process. They are safe for concurrent use.
type budgets struct {
	mu sync.Mutex
	// spent is guarded by mu: for each kind, what an account did.
	spent map[*budgetKind]map[string]*spent
}

// spent is how much of a budget is left, and when that was so; or how many there are.
type spent struct {
	left float64
	at   time.Time
	held int
}

func newBudgets() *budgets {
	b := &budgets{spent: map[*budgetKind]map[string]*spent{}}
	for i := range budgetTable {
		b.spent[&budgetTable[i]] = map[string]*spent{}
	}
	return b
}

// leftLocked is what an account has of a budget for a minute; mu is held.
func (b *budgets) leftLocked(kind *budgetKind, account string, limit int) *spent {
	now := time.Now()
	s, ok := b.spent[kind][account]
	if !ok {
		s = &spent{left: float64(limit), at: now}
		b.spent[kind][account] = s
	}
	s.left = min(float64(limit), s.left+now.Sub(s.at).Minutes()*float64(limit))
	s.at = now
	return s
}

// spend takes one of a budget for a minute: a *registry.LimitError if none is left.
func (b *budgets) spend(kind *budgetKind, account string, limit int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.leftLocked(kind, account, limit)
	if s.left < 1 {
		return &registry.LimitError{
			What:  fmt.Sprintf("the account %s has used its %d %s a minute", account, limit, kind.name),
			After: time.Duration((1 - s.left) / float64(limit) * float64(time.Minute)),
		}
	}
	s.left--
	return nil
}

// hold takes one of what may be there at once, until release is called: a *registry.LimitError if none is left.
func (b *budgets) hold(kind *budgetKind, account string, limit int) (release func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.spent[kind][account]
	if !ok {
		s = &spent{}
		b.spent[kind][account] = s
	}
	if s.held >= limit {
		return nil, &registry.LimitError{What: fmt.Sprintf("the account %s has its %d %s open", account, limit, kind.name), After: liveWait}
	}
	s.held++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		s.held--
	}, nil
}

// limit is what an account may have of a kind; 0 sets no bound.
func (s *Service) limit(acc registry.Account, kind *budgetKind) int {
	limits := acc.Limits.Or(*s.limits.Load())
	return *kind.of(&limits)
}

func (s *Service) spend(acc registry.Account, kind *budgetKind) error {
	limit := s.limit(acc, kind)
	if limit == 0 {
		return nil
	}
	return s.budgets.spend(kind, acc.Name, limit)
}

// Watch takes one of the account's live views, until release is called: a *registry.LimitError if too many are open.
func (s *Service) Watch(acc registry.Account) (release func(), err error) {
	limit := s.limit(acc, live)
	if limit == 0 {
		return func() {}, nil
	}
	return s.budgets.hold(live, acc.Name, limit)
}

// roomForWebhook says whether an account may have one webhook more: a *registry.LimitError if not.
func (s *Service) roomForWebhook(ctx context.Context, acc registry.Account) error {
	all, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return err
	}
	if limit := s.limit(acc, webhooks); limit > 0 && len(all) >= limit {
		return &registry.LimitError{What: fmt.Sprintf("the account %s has its %d webhooks: delete one, or ask the operator for more", acc.Name, limit), After: webhookWait}
	}
	return nil
}

// limitsOf are the limits of an account and what it has used.
type limitsOf struct {
	account string
	limits  []Limit
}

// Limit is one limit of an account.
type Limit struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
	// Minute is true for what is counted a minute, by this process.
	Minute bool `json:"minute"`
	Limit  int  `json:"limit"`
	Used   int  `json:"used"`
}

// Limits are what an account may do at most, and what it has used of it, as this process counts.
func (s *Service) Limits(ctx context.Context, acc registry.Account) (limitsOf, error) {
	all, err := s.o.Registry.List(ctx, acc.Name)
	if err != nil {
		return limitsOf{}, err
	}
	out := limitsOf{account: acc.Name}
	s.budgets.mu.Lock()
	defer s.budgets.mu.Unlock()
	for i := range budgetTable {
		kind := &budgetTable[i]
		l := Limit{Name: kind.name, Doc: kind.doc, Minute: kind.minute, Limit: s.limit(acc, kind)}
		switch {
		case kind.minute:
			l.Used = l.Limit - int(s.budgets.leftLocked(kind, acc.Name, l.Limit).left)
		case kind == webhooks:
			l.Used = len(all)
		default:
			if held := s.budgets.spent[kind][acc.Name]; held != nil {
				l.Used = held.held
			}
		}
		out.limits = append(out.limits, l)
	}
	return out, nil
}

// All are the limits one by one.
func (l limitsOf) All() []Limit { return l.limits }

// GetLimits shows what the account may do at most.
var GetLimits = define(Function{
	Name: "GetLimits", Method: http.MethodGet, Path: "/v1/limits",
	Doc: "Shows what the caller's account may do at most, and what it has used of it. What is counted a minute is counted by each process of Saumer for itself.",
}, func(*struct{}) []Parameter { return nil }, func(ctx context.Context, s *Service, acc registry.Account, _ struct{}) (limitsOf, error) {
	return s.Limits(ctx, acc)
}, as(limitListOf))

type limitList struct {
	Account string  `json:"account"`
	Limits  []Limit `json:"limits"`
}

func limitListOf(l limitsOf) limitList { return limitList{l.account, l.limits} }
