package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// rest registers the REST shell: a resource for each path of the table.
func (h *shell) rest(mux *http.ServeMux) {
	paths := map[string]map[string]*Function{}
	for _, f := range functions {
		if paths[f.Path] == nil {
			paths[f.Path] = map[string]*Function{}
		}
		paths[f.Path][f.Method] = f
	}
	for path, methods := range paths {
		mux.Handle(path, h.resource(methods))
	}
}

// resource authenticates and calls the function that the method stands for.
func (h *shell) resource(methods map[string]*Function) http.Handler {
	allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	// A browser keeps the login of Basic, and must not lend it to other pages.
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := methods[r.Method]
		if !ok {
			w.Header().Set("Allow", allow)
			h.refuse(w, nil, "", fmt.Errorf("%w: use %s", errMethod, allow))
			return
		}
		if err := origins.Check(r); err != nil {
			h.refuse(w, f, "", errOrigin)
			return
		}
		login, err := h.login(r, f, shown(r))
		if err != nil {
			h.refuse(w, f, login.Name, Overdue(r.Context(), err))
			return
		}
		result, err := f.rest(WithCaller(r.Context(), CallerOf(login, h.service.Client(r))), h.service, login.Account, restRequest{w, r})
		if err != nil {
			h.refuse(w, f, login.Name, Overdue(r.Context(), err))
			return
		}
		if made, ok := result.(interface{ location() string }); ok {
			w.Header().Set("Location", made.location())
		}
		if shown, ok := result.(interface{ tag() string }); ok {
			w.Header().Set("ETag", `"`+shown.tag()+`"`)
		}
		if f.Status == http.StatusNoContent {
			w.WriteHeader(f.Status)
			return
		}
		answer(w, f.Status, result)
	})
}

// restRequest is a request of REST as a source of parameters.
type restRequest struct {
	w http.ResponseWriter
	r *http.Request
}

// read takes the parameters in their order, those in the body last. The body is read only if there are such.
func (q restRequest) read(parameters []Parameter) error {
	query, err := q.query(parameters)
	if err != nil {
		return err
	}
	var members []Parameter
	for _, p := range parameters {
		var err error
		switch p.In {
		case InPath:
			err = p.take(q.r.PathValue(p.Name), true)
		case InQuery:
			err = p.take(query.Get(p.Name), query.Has(p.Name))
		case InHeader:
			switch values := q.r.Header.Values(p.Name); {
			case len(values) > 1 || len(values) == 1 && values[0] == "":
				err = p.wrong
			case len(values) == 1:
				err = p.take(values[0], true)
			}
		case InBody:
			members = append(members, p)
		case InWholeBody:
			*p.body = func(limit int64) ([]byte, error) { return read(q.w, q.r, limit) }
		}
		if err != nil {
			return err
		}
	}
	if len(members) == 0 {
		return nil
	}
	body, err := read(q.w, q.r, maxBody)
	if err != nil {
		return err
	}
	return readMembers(body, members)
}

// query reads the query: errRequest for a name that is unknown, also in another letter case, or that is given twice, and for a
// flag without a value.
func (q restRequest) query(parameters []Parameter) (url.Values, error) {
	query, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: read the query: %w", errRequest, err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		i := slices.IndexFunc(parameters, func(p Parameter) bool { return p.In == InQuery && p.Name == name })
		switch values := query[name]; {
		case i < 0:
			return nil, fmt.Errorf("%w: the query has an unknown parameter %.100q", errRequest, name)
		case len(values) > 1:
			return nil, fmt.Errorf("%w: the query has the parameter %q twice", errRequest, name)
		case values[0] == "" && parameters[i].Kind == KindFlag:
			return nil, fmt.Errorf("%w: the parameter %q has no value: use true or false", errRequest, name)
		}
	}
	return query, nil
}

// readMembers takes the parameters that are members of a JSON object, in any letter case: errRequest. No body, or null, is
// an object without members.
func readMembers(body []byte, members []Parameter) error {
	given := map[string]bool{}
	if len(body) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(body))
		// A misspelled name is better said than ignored.
		decoder.DisallowUnknownFields()
		if err := eachMember(decoder, func(name string) error {
			p, err := takeMember(decoder, name, members)
			given[p.Name] = true
			return err
		}); err != nil {
			return err
		}
	}
	for _, p := range members {
		if p.text != nil && !given[p.Name] {
			if err := p.take("", false); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachMember calls a function with the name of each member of the only object that a decoder reads; it decodes the value.
func eachMember(decoder *json.Decoder, decode func(name string) error) error {
	switch begin, err := decoder.Token(); {
	case err != nil:
		return unreadable(err)
	case begin == json.Delim('{'):
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return unreadable(err)
			}
			if err := decode(fmt.Sprint(name)); err != nil {
				return err
			}
		}
		if _, err := decoder.Token(); err != nil {
			return unreadable(err)
		}
	case begin != nil:
		return fmt.Errorf("%w: the body is not a JSON object", errRequest)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("%w: the body is more than one JSON object", errRequest)
	}
	return nil
}

// takeMember takes the value that comes next for the parameter of a name, and returns the parameter.
func takeMember(decoder *json.Decoder, name string, members []Parameter) (Parameter, error) {
	i := slices.IndexFunc(members, func(p Parameter) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		return Parameter{}, fmt.Errorf("%w: the body has an unknown field %.100q", errRequest, name)
	}
	p := members[i]
	return p, p.json(func(into any) error {
		err := decoder.Decode(into)
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("%w: %q in the body is not %s", errRequest, strings.TrimSuffix(p.Name+"."+wrong.Field, "."), jsonWord(wrong.Type))
		}
		if err != nil {
			return unreadable(err)
		}
		return nil
	})
}

func unreadable(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the body ends before its JSON object does", errRequest)
	}
	return fmt.Errorf("%w: read the body: %s", errRequest, strings.TrimPrefix(err.Error(), "json: "))
}

// jsonWord says what JSON calls a value of a type.
func jsonWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a whole number"
	}
}
