package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// parameters are what a call of the web service gives: names in lower case, values as text.
type parameters struct {
	direct map[string]string
	// advanced are those given as advanced[name].
	advanced map[string]string
}

// parseParameters reads the parameters of a body, a form or JSON: errRequest, or errTooLarge.
func parseParameters(w http.ResponseWriter, r *http.Request) (parameters, error) {
	p := parameters{map[string]string{}, map[string]string{}}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if kind == "multipart/form-data" {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		reader, err := r.MultipartReader()
		if err != nil {
			return p, fmt.Errorf("%w: the multipart body has no boundary", errRequest)
		}
		form, err := reader.ReadForm(maxBody)
		if err != nil {
			return p, bodyError(err)
		}
		// The body fits into memory, so there are no files to fail on.
		defer func() { _ = form.RemoveAll() }()
		return p, p.form(form.Value)
	}
	body, err := read(w, r, maxBody)
	if err != nil {
		return p, err
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return p, fmt.Errorf("%w: the body is not form-encoded", errRequest)
		}
		return p, p.form(values)
	case "application/json":
		return p, p.json(body)
	default:
		return p, fmt.Errorf("%w: send a form or JSON, and say which in Content-Type", errRequest)
	}
}

func (p parameters) form(values url.Values) error {
	for name, all := range values {
		into := p.direct
		name = strings.ToLower(name)
		if inner, ok := strings.CutPrefix(name, "advanced["); ok {
			if inner, ok = strings.CutSuffix(inner, "]"); ok {
				into, name = p.advanced, inner
			}
		}
		for _, value := range all {
			if err := put(into, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p parameters) json(body []byte) error {
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return fmt.Errorf("%w: the body is not a JSON object", errRequest)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("%w: the body is more than one JSON object", errRequest)
	}
	for name, value := range values {
		if inner, ok := value.(map[string]any); ok && strings.EqualFold(name, "advanced") {
			for name, value := range inner {
				if err := putAny(p.advanced, name, value); err != nil {
					return err
				}
			}
			continue
		}
		if err := putAny(p.direct, name, value); err != nil {
			return err
		}
	}
	return nil
}

func putAny(into map[string]string, name string, value any) error {
	name = strings.ToLower(name)
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return put(into, name, v)
	case json.Number:
		return put(into, name, v.String())
	case bool:
		return put(into, name, strconv.FormatBool(v))
	default:
		return fmt.Errorf("%w: the parameter %.100q is not text, a number or a boolean", errRequest, name)
	}
}

// put refuses a second value, of which nobody could say whether it counts.
func put(into map[string]string, name, value string) error {
	if before, ok := into[name]; ok && before != value {
		return fmt.Errorf("%w: the parameter %.100q is given twice", errRequest, name)
	}
	into[name] = value
	return nil
}

// required is the value of the first of these names that is there, empty if none is.
func (p parameters) required(names ...string) string {
	for _, name := range names {
		if value, ok := p.direct[name]; ok {
			return value
		}
	}
	return ""
}

// optional is the value of a parameter that may also be given as advanced[name].
func (p parameters) optional(name string) string {
	if value, ok := p.direct[name]; ok {
		return value
	}
	return p.advanced[name]
}

// flag is an optional boolean, false if it is missing or empty.
func (p parameters) flag(name string) (bool, error) {
	switch strings.ToLower(p.optional(name)) {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	default:
		return false, fmt.Errorf("%w: the parameter %q is 1 or 0", errRequest, name)
	}
}

// parseID reads a webhook's id: ErrID.
func parseID(text string) (uint64, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		return 0, ErrID
	}
	return id, nil
}
