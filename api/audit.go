package api

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/registry"
)

// noteTime bounds the writing of the audit log. What it tells of is done by then.
const noteTime = 2 * time.Second

// Caller is who calls the service, as the audit log tells of them.
type Caller struct {
	// With is what they showed: password, session, link, or key and the key's id. From is the address that they came from.
	With, From string
	// right is what the login may do; empty: all.
	right registry.Right
}

// callerKey is the key of a context's caller.
type callerKey struct{}

// WithCaller says who calls the service with a context. Without it, it is the process itself.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller of a login.
func CallerOf(l registry.Login, from string) Caller {
	if l.Key != "" {
		return Caller{"key " + l.Key, from, l.Right}
	}
	return Caller{"password", from, l.Right}
}

// onlyReads says whether the caller of a context may change nothing.
func onlyReads(ctx context.Context) bool {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return ok && c.right == registry.ReadOnly
}

// noted notes what was done for an account, to an object, in the audit log, and hands the error back; what went wrong is not
// noted. If the object is an account of somebody else, its log has it too. What cannot be noted is said in the log of the
// process.
func (s *Service) noted(ctx context.Context, acc registry.Account, do, object string, err error) error {
	if err != nil {
		return err
	}
	caller, ok := ctx.Value(callerKey{}).(Caller)
	if !ok {
		caller = Caller{With: "process"}
	}
	d := registry.Deed{By: acc.Name, With: caller.With, From: caller.From, Do: do, Object: object}
	if caller.With == Link {
		d.By = ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if err := s.o.Audit.Note(ctx, acc.Name, d); err != nil {
		s.o.Log.Error("a change is missing in the audit log", zap.String("account", acc.Name), zap.String("function", do), zap.Error(err))
	}
	return nil
}

// notedFor is noted for what is done to an account: the log of that account has it, and so has the caller's.
func (s *Service) notedFor(ctx context.Context, acc registry.Account, name, do, object string, err error) error {
	if err == nil && name != acc.Name {
		told := acc
		told.Name = name
		caller, _ := ctx.Value(callerKey{}).(Caller)
		if err := s.noted(WithCaller(ctx, Caller{caller.With + " of " + acc.Name, caller.From, caller.right}), told, do, object, nil); err != nil {
			return err
		}
	}
	return s.noted(ctx, acc, do, object, err)
}

// Link is what a caller shows who has the link of a notice.
const Link = "link"

// Audit lists what was changed, newest first, below a sequence, 0 for all: of the caller's own account, or of any for an
// operator. It returns record.ErrNotFound.
func (s *Service) Audit(ctx context.Context, acc registry.Account, name string, before uint64, limit int) ([]registry.Deed, error) {
	if err := own(acc, name); err != nil {
		return nil, err
	}
	return s.o.Audit.List(ctx, name, before, limit)
}

// GetAudit lists changes.
var GetAudit = define(Function{
	Name: "GetAudit", Method: http.MethodGet, Path: "/v1/accounts/{name}/audit",
	Doc: "Lists who changed what and when, newest first: of the caller's own account, or of any to an operator. Publishing is not listed.",
	codes: []Code{
		codeNoAccount,
		{3, http.StatusBadRequest, "invalid filter", ErrFilter, true},
	},
}, func(in *getAuditInput) []Parameter {
	return []Parameter{accountName(&in.name), pageLimit(&in.limit), pageBefore(&in.before)}
}, func(ctx context.Context, s *Service, acc registry.Account, in getAuditInput) (deeds, error) {
	// One more than is shown tells whether there is another page.
	found, err := s.Audit(ctx, acc, in.name, in.before, in.limit+1)
	if err != nil || len(found) <= in.limit {
		return deeds{found, 0}, err
	}
	return deeds{found[:in.limit], found[in.limit-1].Sequence}, nil
}, as(func(d deeds) auditPage {
	return auditPage{each(d.found, deedOf), nextPage(d.next)}
}))

type getAuditInput struct {
	name   string
	limit  int
	before uint64
}

// deeds are a page of the audit log, and where the next one begins.
type deeds struct {
	found []registry.Deed
	next  uint64
}

type auditPage struct {
	Changes []deed  `json:"changes"`
	Next    *uint64 `json:"next"`
}

// deed is a change on the wire.
type deed struct {
	Sequence uint64 `json:"sequence"`
	At       stamp  `json:"at"`
	By       string `json:"by"`
	With     string `json:"with"`
	From     string `json:"from"`
	Function string `json:"function"`
	Object   string `json:"object"`
}

func deedOf(d registry.Deed) deed {
	return deed{d.Sequence, stamp(d.At), d.By, d.With, d.From, d.Do, d.Object}
}
