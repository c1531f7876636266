package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Where the API is described: for programs in OpenAPI 3.1, for people on a page.
const (
	openAPIPath   = "/openapi.json"
	referencePath = "/reference"
)

// openAPI is the description of REST that is made of the table of functions, in JSON. It is always the same.
var openAPI = sync.OnceValue(func() []byte {
	text, _ := json.Marshal(openAPIDocument()) // maps, lists and texts never fail
	return text
})

func openAPIDocument() map[string]any {
	s := newSchemas()
	paths := map[string]map[string]any{}
	tags := []map[string]string{}
	for _, f := range functions {
		if paths[f.Path] == nil {
			paths[f.Path] = map[string]any{}
		}
		paths[f.Path][strings.ToLower(f.Method)] = s.operation(f)
		tag := map[string]string{"name": f.noun(), "description": "What has to do with " + f.noun() + "."}
		if !slices.ContainsFunc(tags, func(t map[string]string) bool { return t["name"] == tag["name"] }) {
			tags = append(tags, tag)
		}
	}
	s.of(reflect.TypeFor[problem]())
	return map[string]any{
		"openapi": "3.1.1",
		"info": map[string]any{
			"title": "Saumer", "version": "1",
			"description": "Delivers events to webhooks. An error is a problem of RFC 9457 whose code says what happened. " +
				"A list with more on the next page has a cursor in `next`. " +
				"A parameter of the query that is unknown or given twice, and a flag without a value, are refused.",
			"license": map[string]string{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []map[string]string{{"url": "/", "description": "This Saumer."}},
		"tags":     tags,
		"security": []map[string][]string{{"password": {}}, {"key": {}}},
		"paths":    paths,
		"components": map[string]any{
			"schemas": s.named,
			"securitySchemes": map[string]any{
				"password": map[string]string{"type": "http", "scheme": "basic", "description": "An account's name, with its password or an API key."},
				"key":      map[string]string{"type": "http", "scheme": "bearer", "description": "An API key."},
			},
		},
	}
}

// noun is what a function is about: the first part of its path.
func (f *Function) noun() string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(f.Path, "/v1/"), "/")
	return noun
}

// operation describes one function.
func (s *schemas) operation(f *Function) map[string]any {
	summary, _, _ := strings.Cut(f.Doc, ". ")
	op := map[string]any{
		"operationId": f.Name, "tags": []string{f.noun()}, "summary": strings.TrimSuffix(summary, "."),
		"description": strings.TrimSpace(f.Doc + " " + f.Effect + " An API key needs the right " + string(f.Needs()) + "."),
		"responses":   s.responses(f),
	}
	var parameters []map[string]any
	members, required := map[string]any{}, []string{}
	for _, p := range f.Parameters {
		switch p.In {
		case InPath, InQuery, InHeader:
			parameters = append(parameters, map[string]any{
				"name": p.Name, "in": string(p.In), "required": p.Required || p.In == InPath, "description": p.Doc, "schema": s.parameter(p),
			})
		case InBody:
			of := s.parameter(p)
			of["description"] = p.Doc
			members[p.Name] = of
			if p.Required {
				required = append(required, p.Name)
			}
		case InWholeBody:
			op["requestBody"] = map[string]any{"required": true, "description": p.Doc, "content": content("application/json", schema{})}
		}
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if len(members) > 0 {
		body := schema{"type": "object", "properties": members, "additionalProperties": false}
		if len(required) > 0 {
			body["required"] = required
		}
		op["requestBody"] = map[string]any{"required": len(required) > 0, "content": content("application/json", body)}
	}
	return op
}

// responses describe the ways in which a function ends, by status.
func (s *schemas) responses(f *Function) map[string]any {
	success := map[string]any{"description": "It is done."}
	if f.Status != http.StatusNoContent {
		success["content"] = content("application/json", s.of(f.Result))
	}
	headers := map[string]any{}
	if f.Result.Implements(reflect.TypeFor[interface{ location() string }]()) {
		headers["Location"] = header("The path of what was made.")
	}
	if f.Result.Implements(reflect.TypeFor[interface{ tag() string }]()) {
		headers["ETag"] = header("The version of what is shown, for If-Match.")
	}
	if len(headers) > 0 {
		success["headers"] = headers
	}
	byStatus := map[int][]Code{}
	for _, c := range f.Codes()[1:] {
		byStatus[c.Status] = append(byStatus[c.Status], c)
	}
	all := map[string]any{strconv.Itoa(f.Status): success}
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		all[strconv.Itoa(status)] = failure(byStatus[status])
	}
	return all
}

// failure describes the answers with one status.
func failure(codes []Code) map[string]any {
	said, numbers := make([]string, len(codes)), make([]int, len(codes))
	for i, c := range codes {
		said[i], numbers[i] = fmt.Sprintf("%d: %s", c.Code, c.Text), c.Code
	}
	described := map[string]any{
		"description": strings.Join(said, "; ") + ".",
		"content": content("application/problem+json", schema{"allOf": []schema{
			{"$ref": componentPath + "Problem"}, {"properties": schema{"code": schema{"enum": numbers}}},
		}}),
	}
	if codes[0].Status == http.StatusTooManyRequests {
		described["headers"] = map[string]any{"Retry-After": header("How many seconds to wait.")}
	}
	return described
}

func content(kind string, of schema) map[string]any {
	return map[string]any{kind: map[string]any{"schema": of}}
}

func header(doc string) map[string]any {
	return map[string]any{"description": doc, "schema": schema{"type": "string"}}
}
