package api

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/saumer/saumer/registry"
)

// functions is the one table of what can be asked of Saumer, in the order of the documentation. The routes of REST, the
// functions of the web service, the forms and samples of the demo page and the documentation are made from it. Each entry
// stands in the file of its noun.
var functions = []*Function{
	CreateWebHook, GetWebHooks, GetWebHook, UpdateWebHook,
	PauseWebHook, ActivateWebHook, DeleteWebHookByID,
	RotateSecret, TestWebHook, ProbeWebHook,
	GetAttempts, GetAttempt, RedeliverEvent, ReplayEvents, GetReplay, ExplainEvent,
	PublishEvent, PublishEvents, GetEvents, GetEvent, EraseEvent, GetEventTypes, GetRejected,
	GetNotices, GetStats,
	CreateAccount, GetAccounts, GetAccount, SetAccount, SetPassword, DeleteAccount,
	CreateKey, GetKeys, RevokeKey, GetAudit, GetLimits, SetLimits,
}

// Function is something that can be asked for: how, with what, and in which ways it ends. It is not changed.
type Function struct {
	Name string
	// Doc says in a sentence what it does. Effect says what a call does for real; empty for what changes nothing.
	Doc, Effect string
	// Method and Path are its route in REST; a part of the path in braces is a parameter.
	Method, Path string
	// Status is the HTTP status of success in REST; http.StatusNoContent has no body.
	Status     int
	Parameters []Parameter
	// Result is the type that REST answers with, as JSON. WebResult is that of the web service, nil if this does not have
	// the function.
	Result, WebResult reflect.Type

	// codes are those of the function besides the shared ones, in order of the number.
	codes []Code
	// rest and web read the parameters, call the service, and return what the shell shows.
	rest, web call
}

// call does what a function is for, with the parameters that a request gives.
type call func(ctx context.Context, s *Service, acc registry.Account, given source) (shown any, err error)

// source reads the values of parameters out of a request, in the way of a shell.
type source interface {
	read(parameters []Parameter) error
}

// view is how a shell shows what the service returns.
type view[Out any] struct {
	of    func(Out) any
	shown reflect.Type
}

// as is a view that shows what a function makes of it.
func as[Out, Shown any](of func(Out) Shown) view[Out] {
	return view[Out]{func(out Out) any { return of(out) }, reflect.TypeFor[Shown]()}
}

// define completes a function of REST. Parameters says what it takes, and where in an In each value goes; do calls the
// service with it.
func define[In, Out any](f Function, parameters func(*In) []Parameter,
	do func(context.Context, *Service, registry.Account, In) (Out, error), rest view[Out],
) *Function {
	f.Parameters, f.Result, f.rest = parameters(new(In)), rest.shown, callOf(parameters, do, rest)
	if f.Status == 0 {
		f.Status = http.StatusOK
	}
	return &f
}

// defineBoth is define for a function that the web service has too.
func defineBoth[In, Out any](f Function, parameters func(*In) []Parameter,
	do func(context.Context, *Service, registry.Account, In) (Out, error), rest, web view[Out],
) *Function {
	both := define(f, parameters, do, rest)
	both.WebResult, both.web = web.shown, callOf(parameters, do, web)
	return both
}

func callOf[In, Out any](parameters func(*In) []Parameter,
	do func(context.Context, *Service, registry.Account, In) (Out, error), shell view[Out],
) call {
	return func(ctx context.Context, s *Service, acc registry.Account, given source) (any, error) {
		var in In
		if err := given.read(parameters(&in)); err != nil {
			return nil, err
		}
		out, err := do(ctx, s, acc, in)
		if err != nil {
			return nil, err
		}
		return shell.of(out), nil
	}
}

// Functions are all functions, in the order of the documentation.
func Functions() []*Function { return slices.Clone(functions) }

// lookup finds a function by its name in any letter case; nil if there is none.
func lookup(name string) *Function {
	i := slices.IndexFunc(functions, func(f *Function) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		return nil
	}
	return functions[i]
}

// InWebService says whether the web service has the function.
func (f *Function) InWebService() bool { return f.web != nil }

// WebPath is where the web service has the function.
func (f *Function) WebPath() string { return webServicePath + f.Name }

// WebParameters are what the function takes in the web service, under the names that they have there, besides username and
// password.
func (f *Function) WebParameters() []Parameter {
	var taken []Parameter
	for _, p := range f.Parameters {
		if p.inWebService() {
			p.Name = p.webName()
			taken = append(taken, p)
		}
	}
	return taken
}

// Call runs a function of the web service for an account that is logged in already, with the parameters of a form, and
// returns what the web service would answer. The error is the one that the answer speaks of, for a log.
func (f *Function) Call(ctx context.Context, s *Service, acc registry.Account, form url.Values) (Envelope, error) {
	given := newArguments()
	err := given.form(form)
	var result any
	if err == nil {
		result, err = f.web(ctx, s, acc, given)
	}
	if err != nil {
		code, message := f.Code(err)
		return Envelope{code.Code, message, nil}, err
	}
	return Envelope{0, "success", result}, nil
}

// name is the function's name; that of no function is empty.
func (f *Function) name() string {
	if f == nil {
		return ""
	}
	return f.Name
}
