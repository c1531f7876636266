package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Parameter is what a function takes.
type Parameter struct {
	// Name is its name in REST, and in the web service if WebName is empty.
	Name, WebName string
	In            Place
	Kind          Kind
	// Type is the type of its value, and for KindObject that of its members.
	Type     reflect.Type
	Required bool
	// Default is the value if none is given; empty: there is none.
	Default string
	// Values are those that there are, nil if they cannot be listed. Min and Max are the limits of a number; a Max of 0 is
	// none.
	Values   []string
	Min, Max uint64
	// Label is a name for people, Doc a sentence that says what it is for.
	Label, Doc string
	// Example is a value for the page of the reference, where one of its kind would not do; a body as a whole is its text.
	Example any

	// alias is another name in the web service, which integrations use.
	alias string
	// restOnly is true of one that the web service does not have.
	restOnly bool
	// wrong is what is said of a value that cannot be read.
	wrong error
	// text takes a value that is given as text; nil for what only the body of REST can hold.
	text func(text string) error
	// json takes a member of a JSON object, of which decode makes a Go value.
	json func(decode func(into any) error) error
	// body takes the body as a whole.
	body *body
}

// Place is where REST has a parameter.
type Place string

// The places. In the body, a parameter is a member of a JSON object.
const (
	InPath      Place = "path"
	InQuery     Place = "query"
	InHeader    Place = "header"
	InBody      Place = "body"
	InWholeBody Place = "whole body" // it is the body itself
	InNoREST    Place = ""           // only the web service has it
)

// Kind is what a parameter's value is.
type Kind string

// The kinds.
const (
	KindText   Kind = "text"
	KindURL    Kind = "url"
	KindEvent  Kind = "event" // the name of an event that webhooks can be made for
	KindNumber Kind = "number"
	KindFlag   Kind = "flag" // true or false; 1 or 0 in the web service
	KindTime   Kind = "time" // RFC 3339
	KindObject Kind = "object"
	KindData   Kind = "data" // any bytes
)

// body reads a request's body, of at most limit bytes: errRequest or errTooLarge.
type body func(limit int64) ([]byte, error)

func (p Parameter) inWebService() bool { return p.text != nil && !p.restOnly }

func (p Parameter) webName() string { return cmp.Or(p.WebName, p.Name) }

// take reads a value that is text, or makes up for one that is not given: the default, or nothing.
func (p Parameter) take(text string, given bool) error {
	if !given {
		if p.Default == "" && !p.Required {
			return nil
		}
		text = p.Default
	}
	return p.text(text)
}

// text is a parameter that is text; its kind may be a more special one.
func text(p Parameter, into *string) Parameter {
	p.Kind, p.Type = cmp.Or(p.Kind, KindText), reflect.TypeFor[string]()
	p.text = func(text string) error { *into = text; return nil }
	p.json = func(decode func(any) error) error { return decode(into) }
	return p
}

// change is an optional member of REST's body that is text; nil says that it is not given.
func change(p Parameter, into **string) Parameter {
	p.Kind, p.Type = KindText, reflect.TypeFor[string]()
	p.json = func(decode func(any) error) error { return decode(into) }
	return p
}

// onlyREST is a parameter of a function of both shells that only REST has.
func onlyREST(p Parameter) Parameter {
	p.restOnly = true
	return p
}

// changeNumber is an optional member of REST's body that is a number; nil says that it is not given.
func changeNumber(p Parameter, into **int) Parameter {
	p.Kind, p.Type = KindNumber, reflect.TypeFor[int]()
	p.json = func(decode func(any) error) error { return decode(into) }
	return p
}

// number is a parameter that is a number from Min to Max. An empty one that is not required is as none.
func number[T int | uint64](p Parameter, into *T, wrong error) Parameter {
	p.Kind, p.Type, p.wrong = KindNumber, reflect.TypeFor[T](), wrong
	p.text = func(text string) error {
		if text == "" && !p.Required {
			if text = p.Default; text == "" {
				return nil
			}
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n < p.Min || p.Max != 0 && n > p.Max {
			return p.wrong
		}
		*into = T(n)
		return nil
	}
	p.json = func(decode func(any) error) error {
		var given json.Number
		if err := decode(&given); err != nil {
			return err
		}
		return p.text(given.String())
	}
	return p
}

// boolean is an optional parameter that is true or false. An empty one is false.
func boolean(p Parameter, into *bool) Parameter {
	p.Kind, p.Type = KindFlag, reflect.TypeFor[bool]()
	p.text = func(text string) error {
		switch strings.ToLower(text) {
		case "", "0", "false":
			*into = false
		case "1", "true":
			*into = true
		default:
			return fmt.Errorf("%w: the parameter %q is 1 or 0", errRequest, p.webName())
		}
		return nil
	}
	p.json = func(decode func(any) error) error { return decode(into) }
	return p
}

// moment is a parameter that is a time.
func moment(p Parameter, into *time.Time, wrong error) Parameter {
	p.Kind, p.Type, p.wrong = KindTime, reflect.TypeFor[time.Time](), wrong
	p.text = func(text string) (err error) {
		if *into, err = time.Parse(time.RFC3339, text); err != nil {
			return p.wrong
		}
		return nil
	}
	p.json = func(decode func(any) error) error {
		var text string
		if err := decode(&text); err != nil {
			return err
		}
		return p.text(text)
	}
	return p
}

// tagHeader is the header If-Match (RFC 9110, section 13.1.1) with one entity tag, or with a star for any.
func tagHeader(into *string) Parameter {
	p := Parameter{
		Name: "If-Match", In: InHeader, Kind: KindText, Type: reflect.TypeFor[string](),
		Doc:   "The ETag of the webhook as it was read: it is changed only if it is still this.",
		wrong: fmt.Errorf("%w: If-Match is one ETag", errRequest),
	}
	p.text = func(text string) error {
		tag, quoted := strings.CutPrefix(text, `"`)
		switch tag, ended := strings.CutSuffix(tag, `"`); {
		case text == "" || text == "*":
		case !quoted || !ended || strings.Contains(tag, `"`):
			return p.wrong
		default:
			*into = tag
		}
		return nil
	}
	return p
}

// object is a member of REST's body that is an object itself.
func object[T any](p Parameter, into *T) Parameter {
	p.Kind, p.Type = KindObject, reflect.TypeFor[T]()
	p.json = func(decode func(any) error) error { return decode(into) }
	return p
}

// data is the body of REST as a whole. It is read when the function asks for it.
func data(p Parameter, into *body) Parameter {
	p.Kind, p.Type, p.In, p.body = KindData, reflect.TypeFor[[]byte](), InWholeBody, into
	return p
}
