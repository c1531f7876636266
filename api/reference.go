package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
)

//go:embed reference.html
var referenceText string

// reference is the page that describes the API to people. It asks for nothing but itself.
var reference = sync.OnceValue(func() []byte {
	page := template.Must(template.New("reference").Funcs(template.FuncMap{
		"anchor": anchor, "example": (*Function).example, "own": func(f *Function) []Code { return f.codes },
	}).Parse(referenceText))
	var text bytes.Buffer
	if err := page.Execute(&text, map[string]any{"Functions": functions, "Shared": shared}); err != nil {
		panic(err) // it is always the same, and a test shows it
	}
	return text.Bytes()
})

// describe registers where the API is described. Nobody has to log in for that: it is the same for all.
func (h *shell) describe(mux *http.ServeMux) {
	mux.HandleFunc(openAPIPath, h.public(func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI()) // that a client does not take it is the client's affair
	}))
	mux.HandleFunc(referencePath, h.public(func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(reference()) // as above
	}))
}

// public serves what everybody may read.
func (h *shell) public(write func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			h.refuse(w, nil, "", fmt.Errorf("%w: use GET", errMethod))
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		write(w)
	}
}

// example is a call of a function in a shell.
func (f *Function) example() string {
	path, query, headers, body := f.Path, "", "", ""
	members := map[string]any{}
	for _, p := range f.Parameters {
		switch {
		case p.In == InPath:
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.sample()))
		case p.In == InQuery && (p.Required || p.Example != nil):
			query += fmt.Sprintf("&%s=%v", p.Name, p.sample())
		case p.In == InHeader && p.Required:
			headers += fmt.Sprintf(" -H '%s: %v'", p.Name, p.sample())
		case p.In == InBody && (p.Required || p.Kind == KindEvent || p.Example != nil):
			members[p.Name] = p.sample()
		case p.In == InWholeBody:
			body = fmt.Sprintf(" -d '%v'", p.sample())
		}
	}
	if len(members) > 0 {
		text, _ := json.Marshal(members) // texts and numbers never fail
		body = " -d '" + string(text) + "'"
	}
	if query != "" {
		path += "?" + query[1:]
	}
	method := ""
	if f.Method != http.MethodGet && (f.Method != http.MethodPost || body == "") {
		method = " -X " + f.Method
	}
	return fmt.Sprintf("curl -u demo:$SAUMER_PASSWORD%s%s%s 'http://127.0.0.1:8080%s'", method, headers, body, path)
}

// sample is a value of a parameter for an example.
func (p Parameter) sample() any {
	if p.Example != nil {
		return p.Example
	}
	switch p.Kind {
	case KindNumber:
		return max(p.Min, 1)
	case KindEvent:
		return "optin_finalized"
	case KindURL:
		return "https://example.org/hook"
	case KindTime:
		return "2026-03-01T12:00:00Z"
	case KindFlag:
		return true
	}
	if p.Name == "name" {
		return "shop"
	}
	if slices.Contains([]string{"password", "current"}, p.Name) {
		return "a long password"
	}
	return "my-" + p.Name
}
