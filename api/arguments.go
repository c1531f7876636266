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

// arguments are what a call of the web service gives: names in lower case, values as text.
type arguments struct {
	direct map[string]string
	// advanced are those given as advanced[name].
	advanced map[string]string
}

func newArguments() arguments { return arguments{map[string]string{}, map[string]string{}} }

// parseArguments reads the arguments of a body, a form or JSON: errRequest, or errTooLarge.
func parseArguments(w http.ResponseWriter, r *http.Request) (arguments, error) {
	a := newArguments()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if kind == "multipart/form-data" {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		reader, err := r.MultipartReader()
		if err != nil {
			return a, fmt.Errorf("%w: the multipart body has no boundary", errRequest)
		}
		form, err := reader.ReadForm(maxBody)
		if err != nil {
			return a, bodyError(err)
		}
		// The body fits into memory, so there are no files to fail on.
		defer func() { _ = form.RemoveAll() }()
		return a, a.form(form.Value)
	}
	body, err := read(w, r, maxBody)
	if err != nil {
		return a, err
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return a, fmt.Errorf("%w: the body is not form-encoded", errRequest)
		}
		return a, a.form(values)
	case "application/json":
		return a, a.json(body)
	default:
		return a, fmt.Errorf("%w: send a form or JSON, and say which in Content-Type", errRequest)
	}
}

func (a arguments) form(values url.Values) error {
	for name, all := range values {
		into := a.direct
		const advanced = "advanced["
		if len(name) > len(advanced) && strings.EqualFold(name[:len(advanced)], advanced) {
			if inner, ok := strings.CutSuffix(name[len(advanced):], "]"); ok {
				into, name = a.advanced, inner
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

func (a arguments) json(body []byte) error {
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
				if err := putAny(a.advanced, name, value); err != nil {
					return err
				}
			}
			continue
		}
		if err := putAny(a.direct, name, value); err != nil {
			return err
		}
	}
	return nil
}

func putAny(into map[string]string, name string, value any) error {
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

// put takes a value under the name in lower case. It refuses a second value, of which nobody could say whether it counts.
func put(into map[string]string, name, value string) error {
	key := strings.ToLower(name)
	if before, ok := into[key]; ok && before != value {
		return fmt.Errorf("%w: the parameter %.100q is given twice", errRequest, name)
	}
	into[key] = value
	return nil
}

// read takes the parameters in their order. Each may also be given as advanced[name].
func (a arguments) read(parameters []Parameter) error {
	for _, p := range parameters {
		if !p.inWebService() {
			continue
		}
		text, given, err := a.value(p)
		if err != nil {
			return err
		}
		if err := p.take(text, given); err != nil {
			return err
		}
	}
	return nil
}

// value is that of a parameter, under whichever of its names it is given; what is given as advanced[name] counts if nothing else
// is. Of a parameter that has to be given, two values are refused: nobody could say which one counts.
func (a arguments) value(p Parameter) (text string, given bool, err error) {
	for _, from := range []map[string]string{a.direct, a.advanced} {
		if given && !p.Required {
			break
		}
		for _, name := range []string{p.webName(), p.alias} {
			value, there := from[strings.ToLower(name)]
			switch {
			case !there || name == "":
			case given && value != text:
				return "", false, fmt.Errorf("%w: the parameter %q is given twice, with different values", errRequest, p.webName())
			default:
				text, given = value, true
			}
		}
	}
	return text, given, nil
}
